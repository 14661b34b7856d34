/**
 * Compact JWS (RFC 7515) with alg Ed25519 (RFC 9864), for what this engine signs: a type for each
 * kind of thing, so that none can be passed off as another.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { isOfRehearsal } from '../rehearsal-keys.ts'

export type Signer = { readonly kid: string; readonly privateKey: KeyObject }

/** A public key as a JWKS has it. */
export type PublicJwk = {
  readonly kid?: string
  readonly kty?: string
  readonly crv?: string
  readonly x?: string
}

const algorithm = 'Ed25519'

/** @param payload JSON text */
export function signCompact(signer: Signer, type: string, payload: string): string {
  const header = `{"alg":"${algorithm}","kid":"${signer.kid}","typ":"${type}"}`
  const signed = `${encode(header)}.${encode(payload)}`
  const signature = sign(null, Buffer.from(signed), signer.privateKey)
  return `${signed}.${signature.toString('base64url')}`
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}

export type Opened = { readonly kid: string; readonly payload: Record<string, unknown> }

/** @returns the payload, or a sentence that says why it can't be trusted */
export function openCompact(
  jws: string,
  type: string,
  keys: readonly PublicJwk[],
): Opened | string {
  const [header = '', payload = '', signature = '', more] = jws.split('.')
  const { alg, kid, typ } = parsePart(header)
  if (alg !== algorithm || typ !== type) return `The signature must be ${algorithm} over ${type}.`
  const key = keys.find((candidate) => candidate.kid === kid && candidate.crv === algorithm)
  if (key === undefined) {
    const counts = isOfRehearsal(kid) ? ' It is of a rehearsal, which counts for nothing.' : ''
    return `Key ${String(kid)} is not among the public keys given.${counts}`
  }
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: algorithm, x: key.x ?? '' },
    format: 'jwk',
  })
  const signed = Buffer.from(`${header}.${payload}`)
  const bytes = Buffer.from(signature, 'base64url')
  // Node decodes other spellings of the same bytes, too: each text but one is refused.
  const isExact = more === undefined && bytes.toString('base64url') === signature
  if (!isExact || !verify(null, signed, publicKey, bytes)) {
    return 'The signature does not verify.'
  }
  return { kid: String(kid), payload: parsePart(payload) }
}

function parsePart(part: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
