/**
 * Bearer tokens (RFC 6750): JWTs that name what their holder may do, and for whom (claims.ts). A
 * verified token is kept, because verifying costs more than the rest of a request.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { clockSkewMsMax, verifiedTokenMsMax, verifiedTokensMax } from '../limits.ts'
import { type ClaimFault, type ClaimNames, claimNames, type Filer, filerOf } from './claims.ts'

export const scopes = ['declarations:write', 'declarations:read'] as const

/** `unavailable`: the keys can't be fetched now; the token may be good. */
export type Refusal = {
  readonly kind: 'invalid' | 'expired' | 'unavailable'
  /** That is missing, where that is what is wrong: told to who asks. */
  readonly claim?: string
  /** What is wrong beyond that, for the log: codes and names of claims, nothing that the token says. */
  readonly why: Readonly<Record<string, unknown>>
}

export type Authentication = Filer | Refusal

export type Authenticator = {
  /** The filer of a token verified before; undefined when it must be verified. */
  recall(token: string): Filer | undefined
  verify(token: string): Promise<Authentication>
}

export type TokenRules = {
  readonly issuer: string
  readonly audience: string
  readonly keys: JWTVerifyGetKey
  readonly claims?: ClaimNames
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Keys of the engine's own tokens, or those that an authority publishes. */
export function tokenKeys(
  source: { jwksUrl: string } | { publicJwk: readonly { kid: string }[] },
): JWTVerifyGetKey {
  if ('jwksUrl' in source) {
    return createRemoteJWKSet(new URL(source.jwksUrl), {
      timeoutDuration: 2_000,
      cooldownDuration: 5_000,
    })
  }
  return createLocalJWKSet({ keys: source.publicJwk.map((jwk) => ({ kty: 'OKP', ...jwk })) })
}

const algorithms = ['Ed25519', 'EdDSA', 'ES256', 'ES384', 'RS256', 'RS512', 'PS256']

export function createAuthenticator({
  issuer,
  audience,
  keys,
  claims = claimNames,
  now,
}: TokenRules): Authenticator {
  const verified = new Map<string, { filer: Filer; untilMs: number }>()
  return {
    recall: (token) => {
      const known = verified.get(token)
      if (known === undefined) return undefined
      if (known.untilMs > now()) return known.filer
      verified.delete(token)
      return undefined
    },
    verify: async (token) => {
      try {
        const currentDate = new Date(now())
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms,
          currentDate,
          // Clocks of who issues and of who verifies differ.
          clockTolerance: clockSkewMsMax / 1_000,
        })
        const filer = filerOf(payload, issuer, claims)
        if ('fault' in filer) return refusalOfClaim(filer)
        const untilMs = Math.min(filer.expiresAtMs + clockSkewMsMax, now() + verifiedTokenMsMax)
        verified.set(token, { filer, untilMs })
        if (verified.size > verifiedTokensMax) forgetOldest(verified)
        return filer
      } catch (error) {
        return refusalOf(error)
      }
    },
  }
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

function refusalOf(error: unknown): Refusal {
  const { code, claim, reason } = (error ?? {}) as Record<string, unknown>
  const why = { code, claim, reason }
  if (error instanceof errors.JWTExpired) return { kind: 'expired', why }
  // What jose throws about the token itself is a JOSEError; a failed fetch is a plain error.
  const keysOutOfReach = error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)
  if (keysOutOfReach) return { kind: 'unavailable', why }
  const isMissing = error instanceof errors.JWTClaimValidationFailed && reason === 'missing'
  return { kind: 'invalid', ...(isMissing && { claim: String(claim) }), why }
}
