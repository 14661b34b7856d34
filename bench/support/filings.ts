/** Filings that benchmarks send over HTTP, all different. */
import autocannon from 'autocannon'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import { readKeyring } from '../../src/platform/config/key-store.ts'
import { createGenerator } from './generator.ts'
import type { Services } from './services.ts'
import { type Filer, type Filings, nextFiling } from './unique-filings.ts'

const connections = 100
/** How exactly the end of a number of requests is noticed; a second unless set. */
const sampleMs = 20
const tailsMade = 2_000
const employersMade = 10_000
/** So many in a token are a kilobyte of a request's head. */
const employersOfToken = 50

type Keys = Pick<Services, 'keyringFile'>

export type FilingsOptions = {
  readonly lines?: number | undefined
  readonly employers?: number
  /** Of each subject, which is the first of them. */
  readonly employersOfOne?: number
}

/** Each employer files once for a period; 10,000 employers have 650,000 filings. */
export async function prepareFilings(
  { keyringFile }: Keys,
  { lines = 5, employers = employersMade, employersOfOne = 1 }: FilingsOptions = {},
): Promise<Filings> {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const generator = createGenerator(1)
  const scopes = ['declarations:write', 'declarations:read']
  const bySubject: Filer[][] = []
  for (let made = 0; made < employers; made += employersOfOne) {
    const all = Array.from({ length: employersOfOne }, () => generator.employer())
    const [subject = ''] = all
    const own: Filer[] = []
    for (let at = 0; at < all.length; at += employersOfToken) {
      const named = all.slice(at, at + employersOfToken)
      const token = await issueToken(
        { key, issuer: 'spillway', audience: 'spillway' },
        { subject, employers: named, scopes, ttlSeconds: 7_200 },
      )
      const authorization = `Bearer ${token}`
      own.push(...named.map((employer) => ({ subject, employer, authorization })))
    }
    bySubject.push(own)
  }
  // Subjects take turns: twenty in a row of one would be a filer that crowds.
  const filers = Array.from({ length: employersOfOne }, (_, i) =>
    bySubject.map((own) => own[i] as Filer),
  )
  const tails = Array.from({ length: tailsMade }, () => {
    const { employer: _, period: __, ...rest } = generator.declaration({ period: '', lines })
    return JSON.stringify(rest).slice(1)
  })
  return { filers: filers.flat(), tails, next: 0 }
}

let sent = 0

/** Sends them over 100 connections; every one must be accepted, unless some may be refused. */
export async function fire(
  url: string,
  filings: Filings,
  limit: { duration: number } | { amount: number },
  mayRefuse = false,
): Promise<{ accepted: number; refused: number; seconds: number; p99Ms: number }> {
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
          const { body, authorization } = nextFiling(filings)
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
