/**
 * A running installation, driven from outside with tokens for synthetic employers. Unless it is a dry run,
 * what is filed is filed for real. So one filing goes ahead, and where its receipt is not of an
 * environment that is plainly none of production, nothing else is sent.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { HistoryFile } from '../../../src/audit/history.ts'
import { declarationId } from '../../../src/journal/digest.ts'
import { UsageError } from '../../../src/platform/command/failure.ts'
import { createGenerator } from '../../support/generator.ts'
import { receiptIn } from '../../support/recording-client.ts'
import type { Observed } from '../observer.ts'
import type { RemoteOptions } from '../options.ts'
import type { Profile } from '../profile.ts'
import {
  type Filer,
  type Filers,
  findFilers,
  type PreparedFiling,
  prepareFiling,
} from './filings.ts'

/** What an environment that is no production is called; anything else is taken for production. */
const harmless = /^(dev|test|stag|rehears|sandbox|demo|load|perf|faults|bench|uat|qa)/i

/** @throws UsageError for a file without tokens */
export function readTokens(file: string): Extract<Filers, { tokens: unknown }> {
  let lines: string[]
  try {
    lines = readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
  } catch (error) {
    throw new UsageError(`--token-file can't be read: ${(error as Error).message}`)
  }
  const tokens = lines.map((token, i) => {
    try {
      const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
      const { employers } = JSON.parse(payload) as { employers: string[] }
      if (Array.isArray(employers) && employers.length > 0) return { token, employers }
    } catch {
      // the next line says it
    }
    throw new UsageError(
      `Line ${i + 1} of ${file} is no token that names employers (npm run token).`,
    )
  })
  if (tokens.length === 0) throw new UsageError(`${file} has no token: one on each line.`)
  return { tokens }
}

export type FirstFiling = {
  readonly profile: Profile
  readonly period: string
  readonly seed: number
  readonly signal?: AbortSignal
  readonly history?: HistoryFile
}

/**
 * Files one declaration and looks at its receipt.
 * @throws UsageError where the installation may be one of production
 */
export async function assertHarmless(
  { url }: Pick<RemoteOptions, 'url'>,
  filers: Filers,
  first: FirstFiling,
): Promise<string> {
  const { environment } = (await fileFirst(url, filers, first)).statement
  if (harmless.test(environment)) return environment
  throw new UsageError(
    `${url} writes the environment "${environment}" into its receipts, which may be production: nothing more is filed (one declaration was, to see this; cancel it). Rehearse with --dry-run, or against an installation whose ENVIRONMENT begins with test, staging or the like.`,
  )
}

export type FirstReceipt = { readonly statement: { readonly environment: string } }

/** An intake that is busy says when to come again. */
const firstTriesMax = 5
/** Attempts of files are below, of generators above. */
const firstAttempt = 900_000_000

/** @throws UsageError where it is not accepted */
export async function fileFirst(
  url: string,
  filers: Filers,
  { profile, period, seed, signal, history }: FirstFiling,
): Promise<FirstReceipt> {
  const generator = createGenerator(seed)
  const [filer] = await findFilers(filers, 1, generator)
  const filing = prepareFiling(
    { profile, period, policies: undefined },
    filer as Filer,
    generator,
    false,
  )
  const { employer, digest, fen } = filing
  const key = `rehearsal-first-${Date.now()}`
  for (let tries = 1; ; tries += 1) {
    const n = firstAttempt + tries
    history?.add({
      kind: 'try',
      n,
      id: declarationId(employer, period, key),
      employer,
      period,
      digest,
      fen,
    })
    const { status, headers, text } = await send(url, filing, key)
    const retryAfter = headers.get('retry-after')
    const receipt = status === 202 ? { receipt: receiptIn(text) } : {}
    history?.add({ kind: 'answer', n, status, ...receipt, retryAfter: retryAfter !== null })
    if (status === 202) return (JSON.parse(text) as { receipt: FirstReceipt }).receipt
    if (status !== 503 || tries === firstTriesMax)
      throw new UsageError(`${url} did not accept a first filing: ${status} ${text.slice(0, 300)}`)
    await pause(1_000 * Number(retryAfter ?? 1), undefined, { signal })
  }
}

async function send(url: string, filing: PreparedFiling, key: string) {
  const answer = await fetch(new URL('/v1/declarations', url), {
    method: 'POST',
    headers: {
      authorization: filing.authorization,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: Buffer.from(filing.body, 'latin1'),
    signal: AbortSignal.timeout(20_000),
  }).catch((error: Error) => {
    throw new UsageError(`${url} can't be reached: ${error.message}`)
  })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

const statusMsMax = 900

/** What an installation tells of itself. */
export class RemoteObserver {
  readonly #url: string
  readonly #authorization: string
  readonly #acceptedSoFar: () => number

  constructor(url: string, authorization: string, acceptedSoFar: () => number) {
    this.#url = url
    this.#authorization = authorization
    this.#acceptedSoFar = acceptedSoFar
  }

  async look(): Promise<Observed | undefined> {
    try {
      const answer = await fetch(new URL('/v1/service/status', this.#url), {
        headers: { authorization: this.#authorization },
        signal: AbortSignal.timeout(statusMsMax),
      })
      const { backlog } = (await answer.json()) as { backlog: { declarations: number } }
      if (backlog.declarations < 0) return undefined
      const accepted = this.#acceptedSoFar()
      const waiting = Math.min(accepted, backlog.declarations)
      return {
        accepted,
        posted: accepted - waiting,
        backlog: waiting,
        ...{
          groupSize: null,
          committing: null,
          commitMs: null,
          posting: null,
          machineCores: null,
          processes: [],
        },
      }
    } catch {
      return undefined
    }
  }

  async stop(): Promise<void> {}
}
