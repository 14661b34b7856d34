/** Intakes behind a real HAProxy with the configuration that is deployed: nobody notices when one ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endWithThisProcess } from '../src/platform/process/guard.ts'
import { createDatabase, type TestDatabase } from './support/database.ts'
import { type EngineProcess, startProcess, tokenFor } from './support/engine.ts'
import { findHaproxy } from './support/haproxy.ts'
import { declare } from './support/journal.ts'
import { waitFor } from './support/wait.ts'

const deployed = fileURLToPath(new URL('../deploy/haproxy', import.meta.url))
const folder = mkdtempSync(path.join(tmpdir(), 'front-door-'))
const socket = path.join(folder, 'admin')
const clients = 10
const rolls = 2

let database: TestDatabase
let intakes: EngineProcess[]
let proxy: ReturnType<typeof spawn>
const log: string[] = []
// Longer than HAProxy takes to notice.
const drain = { DRAIN_MS: '3000' }
const start = () =>
  startProcess('intake', { DATABASE_URL: database.url, LOG_LEVEL: 'warn', ...drain })
const hostOf = ({ address }: EngineProcess) => new URL(address).host

beforeAll(async () => {
  database = await createDatabase()
  intakes = await Promise.all([start(), start()])
  copyFileSync(path.join(deployed, 'spillway-503.http'), path.join(folder, 'spillway-503.http'))
  const config = readFileSync(path.join(deployed, 'haproxy.cfg'), 'utf8')
    .replaceAll('/etc/haproxy/', `${folder}/`)
    .replace(/^ {4}(user|group) haproxy\n/gm, '')
    .replace(/maxconn 20000/, 'maxconn 1000')
    .replace(/^global\n/m, `global\n    stats socket ${socket} level admin\n`)
    .replace(/^ {4}bind :443 .*\n/m, '')
    .replace(/^ {4}bind :80\n/m, `    bind unix@${folder}/front\n`)
    .replace(/^ {4}http-request redirect .*\n/m, '')
    .replace(/127\.0\.0\.1:8081/, hostOf(intakes[0] as EngineProcess))
    .replace(/127\.0\.0\.1:8082/, hostOf(intakes[1] as EngineProcess))
  writeFileSync(path.join(folder, 'haproxy.cfg'), config)
  const { command, env } = findHaproxy()
  proxy = spawn(command, ['-db', '-f', path.join(folder, 'haproxy.cfg')], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithThisProcess(proxy.pid)
  for (const stream of [proxy.stdout, proxy.stderr])
    stream?.on('data', (text) => log.push(String(text)))
  await waitFor('HAProxy', () =>
    tell('show info').then(
      () => true,
      () => false,
    ),
  )
})
afterAll(async () => {
  proxy.kill()
  await once(proxy, 'exit')
  await Promise.all(intakes.map((intake) => intake.end()))
  await database.drop()
  rmSync(folder, { recursive: true })
})

/** Over HAProxy's own socket. */
async function tell(command: string): Promise<string> {
  const admin = connect(socket)
  admin.end(`${command}\n`)
  let answer = ''
  for await (const piece of admin) answer += String(piece)
  return answer
}

test('intakes are replaced one after the other under load, and every filing is answered by one', async () => {
  const statuses = new Map<string, number>()
  let isOver = false
  const client = async (number: number) => {
    let declaration: object = declare({ lines: 1 })
    const { employer } = declaration as { employer: string }
    const token = await tokenFor([employer])
    for (let i = 0; !isOver; i += 1) {
      const answer = await fileThrough(token, `${number}-${i}`, declaration)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status === '202')
        declaration = { ...declaration, kind: 'correction', replaces: answer.id }
      await pause(100)
    }
  }
  const filing = Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  for (let roll = 0; roll < rolls; roll += 1) {
    const at = roll % 2
    const [old, next] = [intakes[at] as EngineProcess, await start()]
    intakes[at] = next
    expect(await old.end()).toBe(0)
    await tell(
      `set server intakes/intake${at + 1} addr 127.0.0.1 port ${new URL(next.address).port}`,
    )
    await waitFor('it to be up', async () =>
      new RegExp(`intake${at + 1},.*,UP,`).test(await tell('show stat')),
    )
  }
  isOver = true
  await filing
  expect([...statuses.keys()], log.join('')).toEqual(['202'])
})

/** Each over a connection of its own or a kept one, as Node's agent has it. */
function fileThrough(
  token: string,
  key: string,
  declaration: object,
): Promise<{ status: string; id?: string }> {
  const body = JSON.stringify(declaration)
  return new Promise((resolve) => {
    const sent = request(
      {
        socketPath: path.join(folder, 'front'),
        method: 'POST',
        path: '/v1/declarations',
        headers: {
          host: 'spillway',
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'idempotency-key': key,
        },
      },
      async (answer) => {
        let text = ''
        for await (const piece of answer) text += String(piece)
        const { id } = answer.statusCode === 202 ? (JSON.parse(text) as { id: string }) : { id: '' }
        resolve({ status: String(answer.statusCode), id })
      },
    )
    sent.once('error', (error) =>
      resolve({ status: (error as NodeJS.ErrnoException).code ?? 'error' }),
    )
    sent.end(body)
  })
}
