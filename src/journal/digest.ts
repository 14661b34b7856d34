/**
 * Digests: of a declaration's canonical form, and of what makes two requests the same filing.
 */
import assert from 'node:assert/strict'
import { createHash, hash } from 'node:crypto'

/** SHA-256 of a canonical form (RFC 8785, UTF-8), 32 bytes. */
export function digestOf(canonical: Uint8Array): Buffer {
  return hash('sha256', canonical, 'buffer')
}

/** The digest of an acceptance's row: salted (salting.ts), or of before there were salts. */
export function digestOfRow(row: {
  readonly digest: Buffer | null
  readonly salted_digest: Buffer | null
}): { readonly digest: Buffer; readonly salted: boolean } {
  const digest = row.salted_digest ?? row.digest
  assert(digest !== null, 'an acceptance has a digest')
  return { digest, salted: row.salted_digest !== null }
}

/** SHA-256 of text, hexadecimal. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex')
}

/** SHA-256 over byte strings, 32 bytes. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return state.digest()
}

/**
 * A declaration's id: the period's digits, then 128 bits of SHA-256 over employer, period and
 * Idempotency-Key. A retry has the same id on every node, and a filer can compute it alone.
 * The parts can't contain the separator, a zero byte.
 */
export function declarationId(employer: string, period: string, idempotencyKey: string): string {
  const digest = hash('sha256', `${employer}\0${period}\0${idempotencyKey}`, 'buffer')
  return `${period.slice(0, 4)}${period.slice(5)}-${base32(digest.subarray(0, 16))}`
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Crockford's base 32, lower case, most significant bits first; 16 bytes make 26 characters. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + alphabet[(held << (5 - bits)) & 31]
}
