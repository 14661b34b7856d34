/** Sends a file to an intake in one request, and follows it until everything of it is in force. */
import { randomUUID } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import type { MadeFile } from './made-file.ts'

const lookMs = 200

export type Sent = {
  readonly batch: string
  /** Refused: it had no good row, or had to be good as a whole. */
  readonly stage: 'posted' | 'refused'
  readonly receivedSeconds: number
  readonly postedSeconds: number
  readonly setAside: number
}

type Begun = { id: string; links: { self: string; file: string } }
type Followed = { stage: string; progress?: { rows?: { setAside: number } } }

export type Mode = 'accept-good' | 'all-or-nothing'

export async function authorizationFor(keyringFile: string, employer: string): Promise<string> {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const token = await issueToken(
    { key, issuer: 'spillway', audience: 'spillway' },
    {
      subject: employer,
      employers: [employer],
      scopes: ['declarations:write', 'declarations:read'],
      ttlSeconds: 7_200,
    },
  )
  return `Bearer ${token}`
}

export async function send(
  keyringFile: string,
  address: string,
  { file, employer, format }: MadeFile,
  mode: Mode = 'accept-good',
): Promise<Sent> {
  const authorization = await authorizationFor(keyringFile, employer)
  const size = statSync(file).size
  const begun = await fetch(`${address}/v1/batches`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify({
      employer,
      region: '340100',
      period: '2024-11',
      kind: 'regular',
      format,
      mode,
      size,
    }),
  })
  if (begun.status !== 201) throw new Error(`not begun: ${begun.status} ${await begun.text()}`)
  const { id, links } = (await begun.json()) as Begun
  const began = performance.now()
  const sent = await fetch(`${address}${links.file}`, {
    method: 'PATCH',
    headers: {
      authorization,
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream,
    duplex: 'half',
  })
  if (sent.status !== 204) throw new Error(`not sent: ${sent.status} ${await sent.text()}`)
  const receivedSeconds = (performance.now() - began) / 1_000
  for (;;) {
    const answer = await fetch(`${address}${links.self}`, { headers: { authorization } })
    const { stage, progress } = (await answer.json()) as Followed
    if (stage === 'posted' || stage === 'refused') {
      const postedSeconds = (performance.now() - began) / 1_000
      return {
        batch: id,
        stage,
        receivedSeconds,
        postedSeconds,
        setAside: progress?.rows?.setAside ?? 0,
      }
    }
    if (stage === 'unreadable') throw new Error(`the file is ${stage}`)
    await pause(lookMs)
  }
}
