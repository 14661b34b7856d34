/** Filings that benchmarks send over HTTP, all different. */
import autocannon from 'autocannon'
import { issueToken } from '../../src/intake/issue-token.ts'
import { readKeyring } from '../../src/platform/keyring.ts'
import { createGenerator } from './generator.ts'
import type { Services } from './services.ts'

const connections = 100
/** How exactly the end of a number of requests is noticed; a second unless set. */
const sampleMs = 20

export type Filing = { readonly body: string; readonly authorization: string }

const filingsMade = 2_000

/**
 * 2,000 distinct declarations of 100 employers, or so many, each with its employer's token. Employers take
 * turns: twenty in a row of one would be a filer that crowds.
 */
export async function prepareFilings(
  { keyringFile }: Pick<Services, 'keyringFile'>,
  lines = 5,
  employers = 100,
): Promise<Filing[]> {
  const [key] = readKeyring(keyringFile).tokenKeys
  if (key === undefined) throw new Error('no token key')
  const generator = createGenerator(1)
  const scopes = ['declarations:write', 'declarations:read']
  const filers: { employer: string; authorization: string }[] = []
  for (let i = 0; i < employers; i += 1) {
    const employer = generator.employer()
    const token = await issueToken(
      { key, issuer: 'spillway', audience: 'spillway' },
      { employers: [employer], scopes, ttlSeconds: 7_200 },
    )
    filers.push({ employer, authorization: `Bearer ${token}` })
  }
  const filings: Filing[] = []
  while (filings.length < filingsMade) {
    for (const { employer, authorization } of filers) {
      const declaration = generator.declaration({ employer, period: '2024-11', lines })
      filings.push({ body: JSON.stringify(declaration), authorization })
    }
  }
  return filings
}

let sent = 0

/** Sends them over 100 connections; every one must be accepted, unless some may be refused. */
export async function fire(
  url: string,
  filings: readonly Filing[],
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
