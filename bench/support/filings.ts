/** Filings that benchmarks send over HTTP, all different. */
import { setTimeout as pause } from 'node:timers/promises'
import autocannon from 'autocannon'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import { declarationId } from '../../src/journal/digest.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { createGenerator, type Generator } from './generator.ts'
import type { Services } from './services.ts'

const connections = 100
/** How exactly the end of a number of requests is noticed; a second unless set. */
const sampleMs = 20

export type Filing = {
  readonly body: string
  readonly authorization: string
  /** Of its employer, filed once before: what the filing corrects. */
  readonly first: string
}

const filingsMade = 2_000
const period = '2024-11'
const firstKey = 'bench-first'

type Keys = Pick<Services, 'keyringFile'>
type Filer = { readonly employer: string; readonly authorization: string }

async function prepareFilers({ keyringFile }: Keys, generator: Generator, count: number) {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const scopes = ['declarations:write', 'declarations:read']
  const filers: Filer[] = []
  for (let i = 0; i < count; i += 1) {
    const employer = generator.employer()
    const token = await issueToken(
      { key, issuer: 'spillway', audience: 'spillway' },
      { subject: employer, employers: [employer], scopes, ttlSeconds: 7_200 },
    )
    filers.push({ employer, authorization: `Bearer ${token}` })
  }
  return filers
}

/** A regular declaration of each of so many employers, each with its employer's token. */
export async function prepareRegulars(keys: Keys, lines: number, employers: number) {
  const generator = createGenerator(1)
  const filers = await prepareFilers(keys, generator, employers)
  return filers.map(({ employer, authorization }) => {
    const body = JSON.stringify(generator.declaration({ employer, period, lines }))
    return { body, authorization, first: body }
  })
}

/**
 * 2,000 distinct declarations of 100 employers, or so many, each with its employer's token. Employers take
 * turns: twenty in a row of one would be a filer that crowds. Of one employer and period one regular
 * declaration is accepted and any number of corrections, which cost the same: these correct the first.
 */
export async function prepareFilings(keys: Keys, lines = 5, employers = 100): Promise<Filing[]> {
  const generator = createGenerator(1)
  const filers = await prepareFilers(keys, generator, employers)
  const firsts = createGenerator(2)
  const begun = filers.map(({ employer, ...filer }) => {
    const first = JSON.stringify(firsts.declaration({ employer, period, lines: 1 }))
    return { ...filer, employer, first, replaces: declarationId(employer, period, firstKey) }
  })
  const filings: Filing[] = []
  while (filings.length < filingsMade) {
    for (const { employer, authorization, first, replaces } of begun) {
      const made = generator.declaration({ employer, period, lines })
      const body = JSON.stringify({ ...made, kind: 'correction', replaces })
      filings.push({ body, authorization, first })
    }
  }
  return filings
}

const firstsAtATime = 20

/** Files what filings correct; returns how many that were. Once more is a replay. */
export async function fileFirsts(url: string, filings: readonly Filing[]): Promise<number> {
  const firsts = new Map(filings.map((filing) => [filing.first, filing]))
  const left = firsts.values()
  const file = async () => {
    for (const { first, authorization } of left) {
      for (;;) {
        const headers = { 'content-type': 'application/json', authorization }
        const answer = await fetch(`${url}/v1/declarations`, {
          method: 'POST',
          headers: { ...headers, 'idempotency-key': firstKey },
          body: first,
        })
        await answer.arrayBuffer()
        if (answer.status === 202 || answer.status === 200) break
        if (answer.status !== 429 && answer.status !== 503)
          throw new Error(`a first filing had ${answer.status}`)
        await pause(1_000 * Number(answer.headers.get('retry-after') ?? 1))
      }
    }
  }
  await Promise.all(Array.from({ length: firstsAtATime }, file))
  return firsts.size
}

/** Where what filings correct is filed. */
const begunAt = new WeakMap<readonly Filing[], Set<string>>()

async function begin(url: string, filings: readonly Filing[]): Promise<void> {
  const urls = begunAt.get(filings) ?? new Set()
  if (!urls.has(url)) await fileFirsts(url, filings)
  begunAt.set(filings, urls.add(url))
}

let sent = 0

/** Sends them over 100 connections; every one must be accepted, unless some may be refused. */
export async function fire(
  url: string,
  filings: readonly Filing[],
  limit: { duration: number } | { amount: number },
  mayRefuse = false,
): Promise<{ accepted: number; refused: number; seconds: number; p99Ms: number }> {
  await begin(url, filings)
  const result = await autocannon({
    url: `${url}/v1/declarations`,
    connections,
    sampleInt: sampleMs,
    ...limit,
    requests: [
      {
        method: 'POST',
        setupRequest: (request) => {
          sent += 1
          const { body, authorization } = filings[sent % filings.length] as Filing
          const headers = {
            'content-type': 'application/json',
            'idempotency-key': `bench-${process.pid}-${sent}`,
            authorization,
          }
          return { ...request, body, headers }
        },
      },
    ],
  })
  const { non2xx, errors } = result
  if ((non2xx > 0 && !mayRefuse) || errors > 0)
    throw new Error(`${non2xx} refusals and ${errors} errors under load`)
  const { duration: seconds, latency } = result
  return { accepted: result['2xx'], refused: non2xx, seconds, p99Ms: latency.p99 }
}
