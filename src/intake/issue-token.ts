/** Issues the engine's own bearer tokens (embedded default, tests, demo). */

import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'

export type TokenRequest = {
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
  { employers, scopes, ttlSeconds }: TokenRequest,
): Promise<string> {
  return new SignJWT({ employers, scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'Ed25519', kid: key.kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(employers[0] ?? '')
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1_000) + ttlSeconds)
    .sign(key.privateKey)
}
