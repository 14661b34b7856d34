/**
 * How a file's digest is stored. A file of one row could be guessed by trying all identity numbers
 * against its SHA-256, its receipt (which states that digest), or an Idempotency-Key derived from it
 * (as `npm run upload` does). So digest and receipt are sealed. The key that finds the content again is
 * a digest salted for its sender, derived from a key of the keyring: the same content of two senders
 * does not match.
 *
 * This applies since digests are salted (journal/salting.ts); older rows are in clear. Lookups try both
 * forms. An older intake finds no digest and no receipt where they are sealed.
 */
import assert from 'node:assert/strict'
import { sha256, sha256Hex } from '../../journal/digest.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { Salts } from '../../journal/salting.ts'
import { openBytes, sealBytes } from './seal.ts'

const digestBytes = 32
/** A receipt is a signed statement of some 400 characters. */
const receivedBytesMax = 8 * 1024

/** The key that finds a sender's content again. */
export function contentKey(salts: Salts, subject: string, digest: Buffer): Buffer {
  return salts.digestOf(`file content:${sha256Hex(subject)}`, digest)
}

/** The stored form of a sender's Idempotency-Key. */
export function saltedKey(salts: Salts, subject: string, idempotencyKey: string): string {
  const digest = salts.digestOf(`file key:${sha256Hex(subject)}`, sha256(idempotencyKey))
  return `keyed ${digest.toString('base64url')}`
}

export function sealExpected(key: EnvelopeKey, id: string, digest: Buffer): Buffer {
  return sealBytes(key, expectedBinding(id), digest)
}

export function openExpected(keys: readonly EnvelopeKey[], id: string, sealed: Buffer): Buffer {
  return openBytes(keys, expectedBinding(id), sealed, digestBytes)
}

/** The digest of a received file, and its receipt if it has one. */
export type ReceivedFile = { readonly digest: Buffer; readonly receipt: string | undefined }

export function sealReceived(key: EnvelopeKey, id: string, received: ReceivedFile): Buffer {
  const { digest, receipt = '' } = received
  return sealBytes(key, receivedBinding(id), Buffer.concat([digest, Buffer.from(receipt)]))
}

export function openReceived(
  keys: readonly EnvelopeKey[],
  id: string,
  sealed: Buffer,
): ReceivedFile {
  const bytes = openBytes(keys, receivedBinding(id), sealed, receivedBytesMax)
  assert(bytes.length >= digestBytes, 'a received file has a digest')
  const receipt = bytes.toString('latin1', digestBytes) || undefined
  return { digest: bytes.subarray(0, digestBytes), receipt }
}

const expectedBinding = (id: string) => `batch ${id} expected digest`
const receivedBinding = (id: string) => `batch ${id} received`
