/**
 * Bearer tokens (RFC 6750): JWTs that name what their holder may do, and for whom (claims.ts). A
 * verified token is kept, because verifying costs more than the rest of a request; until it expires, its
 * key is withdrawn, or it is denied (access-watch.ts).
 */
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { isOfRehearsal } from '../../journal/rehearsal-keys.ts'
import {
  clockSkewMsMax,
  tokenSecondsMax,
  verifiedTokenMsMax,
  verifiedTokensMax,
} from '../../limits.ts'
import { type ClaimFault, type ClaimNames, claimNames, type Filer, filerOf } from './claims.ts'
import type { TokenKeys } from './token-keys.ts'

export const scopes = ['declarations:write', 'declarations:read'] as const

/**
 * `lifetime`: it is valid for longer than a token may be. `withdrawn`: it, or its holder, is denied.
 * `rehearsal`: no key of ours, and its name is one of a rehearsal's. `unavailable`: the keys can't be fetched
 * now; the token may be good.
 */
export type Refusal = {
  readonly kind: 'invalid' | 'expired' | 'lifetime' | 'withdrawn' | 'rehearsal' | 'unavailable'
  /** That is missing, where that is what is wrong: told to who asks. */
  readonly claim?: string
  /** How long one may be valid, where that is what is wrong. */
  readonly secondsMax?: number
  /** What is wrong beyond that, for the log: codes and names of claims, nothing that the token says. */
  readonly why: Readonly<Record<string, unknown>>
}

export type Authentication = Filer | Refusal

export type Authenticator = {
  /** The filer of a token verified before; undefined when it must be verified. */
  recall(token: string): Filer | undefined
  verify(token: string): Promise<Authentication>
  /** Whether a filer that was verified is denied by now, also where its token has expired since. */
  denies(filer: Filer): boolean
  /** Has tokens verified anew: all of them, or those of these filers. */
  forget(which?: (filer: Filer) => boolean): void
}

export type TokenRules = {
  readonly issuer: string
  readonly audience: string
  readonly keys: TokenKeys
  readonly claims?: ClaimNames
  /** How long a token may be valid; as a limit says unless given. */
  readonly secondsMax?: number
  /** Whether a token, or its holder, is denied; none is unless given. */
  readonly denies?: (filer: Filer) => boolean
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A JWT's compact form, unpadded (RFC 7515). Readers of base64 skip other characters. */
const compactForm = /^[\w-]+\.[\w-]+\.([\w-]+)$/

/** One token in many spellings would be as many tokens to whoever remembers those that were verified. */
function isSpelledAlone(token: string): boolean {
  const [, signature] = compactForm.exec(token) ?? []
  return (
    signature !== undefined &&
    Buffer.from(signature, 'base64url').toString('base64url') === signature
  )
}

const algorithms = ['Ed25519', 'EdDSA', 'ES256', 'ES384', 'RS256', 'RS512', 'PS256']

export function createAuthenticator(rules: TokenRules): Authenticator {
  const { now, denies } = rules
  const verified = new Map<string, { filer: Filer; untilMs: number }>()
  /** How often keys or denials changed: what was verified with those of before is not kept. */
  let changes = 0
  const keep = (token: string, filer: Filer) => {
    const untilMs = Math.min(filer.expiresAtMs + clockSkewMsMax, now() + verifiedTokenMsMax)
    verified.set(token, { filer, untilMs })
    if (verified.size > verifiedTokensMax) forgetOldest(verified)
  }
  return {
    recall: (token) => {
      const known = verified.get(token)
      if (known === undefined) return undefined
      if (known.untilMs > now()) return known.filer
      verified.delete(token)
      return undefined
    },
    verify: async (token) => {
      if (!isSpelledAlone(token)) return { kind: 'invalid', why: { code: 'ERR_JWS_INVALID' } }
      const before = changes
      const found = await verifyToken(token, rules)
      if ('kind' in found) return found
      if (denies?.(found)) return { kind: 'withdrawn', why: {} }
      if (changes === before) keep(token, found)
      return found
    },
    denies: (filer) => denies?.(filer) ?? false,
    forget: (which) => {
      changes += 1
      if (which === undefined) verified.clear()
      else for (const [token, { filer }] of verified) if (which(filer)) verified.delete(token)
    },
  }
}

async function verifyToken(
  token: string,
  { issuer, audience, keys, claims = claimNames, secondsMax = tokenSecondsMax, now }: TokenRules,
): Promise<Authentication> {
  try {
    const { payload } = await jwtVerify(token, keys.find, {
      issuer,
      audience,
      algorithms,
      currentDate: new Date(now()),
      // Clocks of who issues and of who verifies differ.
      clockTolerance: clockSkewMsMax / 1_000,
    })
    const filer = filerOf(payload, issuer, claims)
    if ('fault' in filer) return refusalOfClaim(filer)
    return refusalOfLifetime(payload, secondsMax, now()) ?? filer
  } catch (error) {
    return isForRehearsal(error, token) ? refusalOfRehearsal : refusalOf(error)
  }
}

/** A token that leaks does harm until it ends: so it ends soon, and says when it was made. */
function refusalOfLifetime(
  { iat, exp = 0 }: JWTPayload,
  secondsMax: number,
  nowMs: number,
): Refusal | undefined {
  if (iat === undefined) return refusalOfClaim({ claim: 'iat', fault: 'missing' })
  const latest = (nowMs + clockSkewMsMax) / 1_000
  // jose looks at `iat` only where an age is asked for.
  if (typeof iat !== 'number' || iat > latest)
    return refusalOfClaim({ claim: 'iat', fault: 'malformed' })
  if (exp - iat <= secondsMax && exp <= latest + secondsMax) return undefined
  return { kind: 'lifetime', secondsMax, why: { claim: 'exp' } }
}

function forgetOldest(verified: Map<string, unknown>): void {
  for (const oldest of verified.keys()) {
    verified.delete(oldest)
    return
  }
}

function refusalOfClaim({ claim, fault }: ClaimFault): Refusal {
  return { kind: 'invalid', ...(fault === 'missing' && { claim }), why: { claim, fault } }
}

const refusalOfRehearsal: Refusal = { kind: 'rehearsal', why: {} }

function isForRehearsal(error: unknown, token: string): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey && isOfRehearsal(decodeProtectedHeader(token).kid)
  )
}

/**
 * What jose throws about the token itself is a JOSEError of a kind; a failed fetch is a plain error, and a
 * provider that answers something else than keys a JOSEError of none.
 */
function isOfKeys(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  return !(error instanceof errors.JOSEError) || error.code === errors.JOSEError.code
}

function refusalOf(error: unknown): Refusal {
  const { code, claim, reason } = (error ?? {}) as Record<string, unknown>
  const why = { code, claim, reason }
  if (error instanceof errors.JWTExpired) return { kind: 'expired', why }
  if (isOfKeys(error)) return { kind: 'unavailable', why }
  const isMissing = error instanceof errors.JWTClaimValidationFailed && reason === 'missing'
  return { kind: 'invalid', ...(isMissing && { claim: String(claim) }), why }
}
