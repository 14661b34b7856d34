/**
 * Bearer tokens (RFC 6750): JWTs that name the employers their holder may file for, and scopes. A
 * verified token is kept, because verifying costs more than the rest of a request.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import {
  clockSkewMsMax,
  subjectCharactersMax,
  verifiedTokenMsMax,
  verifiedTokensMax,
} from '../limits.ts'

export const scopes = ['declarations:write', 'declarations:read'] as const
export type Scope = (typeof scopes)[number]

/** Who is asking, by the token. */
export type Filer = {
  readonly issuer: string
  readonly subject: string
  readonly employers: ReadonlySet<string>
  readonly scopes: ReadonlySet<string>
  readonly expiresAtMs: number
}

/** `unavailable`: the keys can't be fetched now; the token may be good. */
export type Authentication = Filer | 'invalid' | 'expired' | 'unavailable'

export type Authenticator = {
  /** The filer of a token verified before; undefined when it must be verified. */
  recall(token: string): Filer | undefined
  verify(token: string): Promise<Authentication>
}

export type TokenRules = {
  readonly issuer: string
  readonly audience: string
  readonly keys: JWTVerifyGetKey
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

const algorithms = ['Ed25519', 'EdDSA', 'ES256', 'RS256', 'PS256']

export function createAuthenticator({ issuer, audience, keys, now }: TokenRules): Authenticator {
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
        const filer = filerOf(issuer, payload)
        if (filer === undefined) return 'invalid'
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

function filerOf(issuer: string, payload: Record<string, unknown>): Filer | undefined {
  const { sub, employers, scope, exp } = payload
  if (!Array.isArray(employers) || !employers.every((one) => typeof one === 'string')) return
  if (typeof scope !== 'string' || typeof exp !== 'number') return
  const subject = typeof sub === 'string' ? sub : ''
  // Postgres keeps no NUL, and no index takes any length: nothing could be kept as this filer's.
  if (subject.includes('\0') || subject.length > subjectCharactersMax) return
  // Written in another encoding, or broken: two subjects would be one.
  if (subject.includes('\ufffd') || !subject.isWellFormed()) return
  return {
    issuer,
    subject,
    employers: new Set(employers),
    scopes: new Set(scope.split(' ')),
    expiresAtMs: exp * 1_000,
  }
}

function forgetOldest(verified: Map<string, unknown>): void {
  for (const oldest of verified.keys()) {
    verified.delete(oldest)
    return
  }
}

function refusalOf(error: unknown): 'invalid' | 'expired' | 'unavailable' {
  if (error instanceof errors.JWTExpired) return 'expired'
  const keysOutOfReach = error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)
  // What jose throws about the token itself is a JOSEError; a failed fetch is a plain error.
  return keysOutOfReach ? 'unavailable' : 'invalid'
}
