/** Issues the engine's own bearer tokens (embedded default, tests, demo). */

import { type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'

export type TokenRequest = {
  /** Whom it is for: files and slots are a subject's own. */
  readonly subject: string
  readonly employers: readonly string[]
  readonly scopes: readonly string[]
  /** None: a filer's. */
  readonly roles?: readonly string[] | undefined
  /** Of staff. */
  readonly regions?: readonly string[] | undefined
  readonly ttlSeconds: number
  /** Milliseconds since 1970; now unless given. */
  readonly issuedAtMs?: number | undefined
}

export type TokenIssuer = {
  readonly key: { readonly kid: string; readonly privateKey: KeyObject }
  readonly issuer: string
  readonly audience: string
}

export function issueToken(
  { key, issuer, audience }: TokenIssuer,
  { subject, employers, scopes, roles, regions, ttlSeconds, issuedAtMs = Date.now() }: TokenRequest,
): Promise<string> {
  const now = Math.floor(issuedAtMs / 1_000)
  const claims = { ...(roles && { roles }), ...(regions && { regions }) }
  return new SignJWT({ employers, scope: scopes.join(' '), ...claims })
    .setProtectedHeader({ alg: 'Ed25519', kid: key.kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(key.privateKey)
}
