/**
 * The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header): as sent, or the content of a
 * structured-field string, in quotes.
 */
import { idempotencyKeyCharactersMax } from '../../limits.ts'

export function readIdempotencyKey(
  header: string | string[] | undefined,
): { readonly value: string } | 'missing' | 'invalid' {
  if (header === undefined) return 'missing'
  if (typeof header !== 'string') return 'invalid'
  const value = /^".*"$/.test(header) ? header.slice(1, -1) : header
  const wellFormed = value.length <= idempotencyKeyCharactersMax && /^[\x21-\x7e]+$/.test(value)
  return wellFormed ? { value } : 'invalid'
}
