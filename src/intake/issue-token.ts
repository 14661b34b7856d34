/** Issues the engine's own bearer tokens (embedded default, tests, demo). */

import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'

export type TokenRequest = {
  /** Whom it is for: files and slots are a subject's own. */
  readonly subject: string
  readonly employers: readonly string[]
  readonly scopes: readonly string[]
  readonly ttlSeconds: number
}

export type TokenIssuer = {
  readonly key: { readonly kid: string; readonly privateKey: KeyObject }
  readonly issuer: string
  readonly audience: string
}

export function issueToken(
  { key, issuer, audience }: TokenIssuer,
  { subject, employers, scopes, ttlSeconds }: TokenRequest,
): Promise<string> {
  return new SignJWT({ employers, scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'Ed25519', kid: key.kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1_000) + ttlSeconds)
    .sign(key.privateKey)
}
