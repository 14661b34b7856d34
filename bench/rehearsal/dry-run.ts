/**
 * A dry run with a rehearsal beside a running installation. Before the first byte is filed, every token must
 * be one for rehearsals, and the address must publish keys of a rehearsal and no others; and before the second
 * declaration, the receipt of the first one must say that it was rehearsed, signed with one of these keys.
 */
import { decodeProtectedHeader } from 'jose'
import { scopes } from '../../src/intake/auth/authentication.ts'
import { issueToken } from '../../src/intake/auth/issue-token.ts'
import type { PublicJwk } from '../../src/journal/receipts/compact-jws.ts'
import { verifyReceipt } from '../../src/journal/receipts/receipt.ts'
import { isOfRehearsal } from '../../src/journal/rehearsal-keys.ts'
import { UsageError } from '../../src/platform/command/failure.ts'
import type { Config } from '../../src/platform/config/config.ts'
import { openOwnKeys } from '../../src/platform/config/rehearsal.ts'
import { createGenerator } from '../support/generator.ts'
import type { Filers } from './load/filings.ts'
import { type FirstFiling, fileFirst } from './load/remote.ts'
import type { RemoteOptions } from './options.ts'

/** A token is good for so long, or as long as one may be. */
const ttlSecondsMax = 172_800

/** Tokens for made-up employers, signed with the rehearsal's key. */
export async function* rehearsalTokens(config: Config, count: number): AsyncGenerator<string> {
  const [key] = openOwnKeys(config, ['tokens'], 'The rehearsal').tokenKeys
  if (key === undefined) throw new UsageError(`${config.keyringFile} has no token key.`)
  const generator = createGenerator(Date.now())
  const ttlSeconds = Math.min(ttlSecondsMax, config.token.secondsMax)
  for (let i = 0; i < count; i += 1) {
    const employer = generator.employer()
    const request = { subject: employer, employers: [employer], scopes, ttlSeconds }
    yield await issueToken({ key, ...config.token }, request)
  }
}

/** Of a rehearsal's receipts; with settings that are not durable, these follow. */
const ofRehearsal = /^rehearsal(-[a-z0-9-]+)?(,|$)/

/**
 * @returns what receipts have as their environment
 * @throws UsageError where something could count
 */
export async function assertRehearsed(
  { url }: Pick<RemoteOptions, 'url'>,
  filers: Extract<Filers, { tokens: unknown }>,
  first: FirstFiling,
): Promise<string> {
  const wrong = filers.tokens.findIndex(({ token }) => !isOfRehearsal(kidOf(token)))
  if (wrong >= 0) {
    throw new UsageError(
      `Token ${wrong + 1} is not for rehearsals, so nothing was sent: make some with "npm run --silent rehearse -- tokens COUNT".`,
    )
  }
  const keys = await publicKeys(url)
  if (keys.length === 0 || !keys.every(({ kid }) => isOfRehearsal(kid))) {
    throw new UsageError(
      `${url} signs receipts that count, so nothing was sent: name the address of a rehearsal ("ENVIRONMENT=rehearsal npm start" prints it).`,
    )
  }
  const receipt = await fileFirst(url, filers, first)
  const { environment } = receipt.statement
  const verdict = verifyReceipt(receipt, keys)
  if (verdict.valid && ofRehearsal.test(environment)) return environment
  throw new UsageError(
    `The first receipt of ${url} is not one of a rehearsal (environment "${environment}"${verdict.valid ? '' : `; ${verdict.reason}`}): nothing more was filed.`,
  )
}

function kidOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token).kid
  } catch {
    return undefined
  }
}

async function publicKeys(url: string): Promise<readonly PublicJwk[]> {
  const address = new URL('/.well-known/jwks.json', url)
  const answer = await fetch(address, { signal: AbortSignal.timeout(20_000) }).catch(
    (error: Error) => {
      throw new UsageError(`${url} can't be reached: ${error.message}`)
    },
  )
  if (answer.status !== 200)
    throw new UsageError(`${url} publishes no keys (${answer.status}): nothing was sent.`)
  return ((await answer.json()) as { keys: readonly PublicJwk[] }).keys
}
