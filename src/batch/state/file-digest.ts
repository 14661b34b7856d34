/**
 * What tells a file's content apart, as it is kept: a file of one row could be found by trying all identity
 * numbers, from its SHA-256, from its receipt, which states that, and from an Idempotency-Key that a sender
 * made of it, as `npm run upload` does. So digest and receipt are sealed, and what a file is found again by is
 * digested with a salt of its sender, which follows from a key of the keyring: of two senders, the same
 * content is not the same.
 *
 * Kept so since digests are salted (journal/salting.ts); of before, in clear. What is looked for is looked for
 * as either; an intake of before finds no digest and no receipt where they are sealed.
 */
import assert from 'node:assert/strict'
import { sha256, sha256Hex } from '../../journal/digest.ts'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { Salts } from '../../journal/salting.ts'
import { openBytes, sealBytes } from './seal.ts'

const digestBytes = 32
/** A receipt is a signed statement of some 400 characters. */
const receivedBytesMax = 8 * 1024

/** @returns what a sender's content is found again by */
export function contentKey(salts: Salts, subject: string, digest: Buffer): Buffer {
  return salts.digestOf(`file content:${sha256Hex(subject)}`, digest)
}

/** @returns what a sender's Idempotency-Key is found again by */
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

/** Of all bytes of a file, once they are here; `receipt` where it has one. */
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
  assert(bytes.length >= digestBytes, 'what was received has a digest')
  const receipt = bytes.toString('latin1', digestBytes) || undefined
  return { digest: bytes.subarray(0, digestBytes), receipt }
}

const expectedBinding = (id: string) => `batch ${id} expected digest`
const receivedBinding = (id: string) => `batch ${id} received`
