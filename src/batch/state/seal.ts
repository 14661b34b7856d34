/**
 * Seals data of files: compressed (zstd) and encrypted (AES-256-GCM) with the keys that seal envelopes.
 * Bytes: version (1), key id (6), nonce (12), ciphertext, tag (16). The associated data (`binding`)
 * names where the bytes belong, so that they can't be passed off as others, of this file or of another
 * one.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { EnvelopeKey } from '../../journal/envelope.ts'
import type { Salts } from '../../journal/salting.ts'

const version = 1
const keyIdBytes = 6
const nonceBytes = 12
const tagBytes = 16
const headerBytes = 1 + keyIdBytes + nonceBytes
/** Level 1, as for envelopes: zstd notices compressed input, and that costs little. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 }
/**
 * Output buffer of zstd. The default is 16 KiB for each call; ten thousand small pieces are sealed at
 * once, and 240 MiB stayed allocated until they were collected.
 */
const [roomBytesMin, roomBytesMax] = [256, 16 * 1024]
/** Text usually expands fourfold; larger results take several rounds. */
const opensTo = 4

export class SealedBytesError extends Error {
  override name = 'SealedBytesError'
  readonly code: 'UNKNOWN_KEY' | 'UNREADABLE'
  constructor(code: 'UNKNOWN_KEY' | 'UNREADABLE', message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** @param binding what the bytes are, and where they belong */
export function sealBytes(key: EnvelopeKey, binding: string, bytes: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(headerBytes)
  header[0] = version
  header.write(key.kid, 1, keyIdBytes, 'hex')
  const nonce = randomBytes(nonceBytes)
  header.set(nonce, 1 + keyIdBytes)
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce)
  cipher.setAAD(Buffer.concat([header, Buffer.from(binding)]))
  const body = cipher.update(compress(bytes))
  cipher.final()
  return Buffer.concat([header, body, cipher.getAuthTag()])
}

/** Announcing the size also halves the time for small input. */
function compress(bytes: Uint8Array): Buffer {
  const { length } = bytes
  return zstdCompressSync(bytes, { params, chunkSize: roomFor(length), pledgedSrcSize: length })
}

function roomFor(bytes: number): number {
  return Math.min(roomBytesMax, Math.max(roomBytesMin, bytes))
}

/**
 * Opens sealed bytes.
 * @param bytesMax largest size of the result
 * @throws SealedBytesError UNKNOWN_KEY if the keyring lacks the key, UNREADABLE if any byte or the
 *   binding differs from what was sealed
 */
export function openBytes(
  keys: readonly EnvelopeKey[],
  binding: string,
  sealed: Buffer,
  bytesMax: number,
): Buffer {
  if (sealed[0] !== version || sealed.length < headerBytes + tagBytes)
    throw new SealedBytesError('UNREADABLE', `${binding} is damaged.`)
  const kid = sealed.toString('hex', 1, 1 + keyIdBytes)
  const key = keys.find((candidate) => candidate.kid === kid)
  if (key === undefined) {
    const message = `${binding} was sealed with key ${kid}, which is not in the keyring: restore that key.`
    throw new SealedBytesError('UNKNOWN_KEY', message)
  }
  const header = sealed.subarray(0, headerBytes)
  const decipher = createDecipheriv('aes-256-gcm', key.secret, header.subarray(1 + keyIdBytes))
  decipher.setAAD(Buffer.concat([header, Buffer.from(binding)]))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    const body = decipher.update(sealed.subarray(headerBytes, sealed.length - tagBytes))
    decipher.final()
    const chunkSize = roomFor(opensTo * body.length)
    return zstdDecompressSync(body, { chunkSize, maxOutputLength: bytesMax })
  } catch (cause) {
    throw new SealedBytesError('UNREADABLE', `${binding} is damaged.`, { cause })
  }
}

export type SealingKeys = {
  readonly sealing: EnvelopeKey
  readonly all: readonly EnvelopeKey[]
  /** Salts of digests (journal/salting.ts). */
  readonly salts: Salts
}
