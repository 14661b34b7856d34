/**
 * A dry run with a running installation. Before the first byte is filed, every token must be one for
 * rehearsals, which no installation takes for what counts; and before the second declaration, the receipt
 * of the first one must say that it was rehearsed, signed with a key that signs nothing else.
 */
import { scopes } from '../../src/intake/authentication.ts'
import { kidOf } from '../../src/intake/dispatch.ts'
import { issueToken } from '../../src/intake/issue-token.ts'
import type { PublicJwk } from '../../src/journal/compact-jws.ts'
import { verifyReceipt } from '../../src/journal/receipt.ts'
import type { Config } from '../../src/platform/config.ts'
import { UsageError } from '../../src/platform/failure.ts'
import {
  readRehearsalKeys,
  rehearsalEnvironment,
  rehearsalKidPrefix,
} from '../../src/platform/rehearsal.ts'
import { createGenerator } from '../support/generator.ts'
import type { Filers } from './filings.ts'
import type { RemoteOptions } from './options.ts'
import { type FirstFiling, fileFirst } from './remote.ts'

/** A token is good for so long, or as long as one may be. */
const ttlSecondsMax = 172_800

/** Tokens for made-up employers, signed with the rehearsal's key. */
export async function* rehearsalTokens(live: Config, count: number): AsyncGenerator<string> {
  const { config, keyring } = readRehearsalKeys(live)
  const [key] = keyring.tokenKeys
  if (key === undefined) throw new UsageError(`${config.keyringFile} has no token key.`)
  const generator = createGenerator(Date.now())
  const ttlSeconds = Math.min(ttlSecondsMax, config.token.secondsMax)
  for (let i = 0; i < count; i += 1) {
    const employer = generator.employer()
    const request = { subject: employer, employers: [employer], scopes, ttlSeconds }
    yield await issueToken({ key, ...config.token }, request)
  }
}

/**
 * @returns what receipts have as their environment
 * @throws UsageError where something could count
 */
export async function assertRehearsed(
  { url }: Pick<RemoteOptions, 'url'>,
  filers: Extract<Filers, { tokens: unknown }>,
  first: FirstFiling,
): Promise<string> {
  const wrong = filers.tokens.findIndex(
    ({ token }) => kidOf(`Bearer ${token}`)?.startsWith(rehearsalKidPrefix) !== true,
  )
  if (wrong >= 0) {
    throw new UsageError(
      `Token ${wrong + 1} is not for rehearsals, so nothing was sent: make some with "npm run --silent rehearse -- tokens COUNT".`,
    )
  }
  const keys = await publicKeys(url, '/.well-known/rehearsal-jwks.json')
  const live = new Set((await publicKeys(url, '/.well-known/jwks.json')).map(({ x }) => x))
  if (keys.some(({ x }) => live.has(x))) {
    throw new UsageError(`${url} signs rehearsals with a key for what counts: nothing was filed.`)
  }
  const receipt = await fileFirst(url, filers, first)
  const { environment } = receipt.statement
  const verdict = verifyReceipt(receipt, keys)
  const said =
    environment === rehearsalEnvironment || environment.startsWith(`${rehearsalEnvironment},`)
  if (verdict.valid && said) return environment
  throw new UsageError(
    `The first receipt of ${url} is not one of a rehearsal (environment "${environment}"${verdict.valid ? '' : `; ${verdict.reason}`}): nothing more was filed.`,
  )
}

async function publicKeys(url: string, path: string): Promise<readonly PublicJwk[]> {
  const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(20_000) }).catch(
    (error: Error) => {
      throw new UsageError(`${url} can't be reached: ${error.message}`)
    },
  )
  if (answer.status !== 200) {
    throw new UsageError(
      `${url} has no rehearsals (${path}: ${answer.status}): set REHEARSAL_DATABASE for its processes, and start them again.`,
    )
  }
  return ((await answer.json()) as { keys: readonly PublicJwk[] }).keys
}
