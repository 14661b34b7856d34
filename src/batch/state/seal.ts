/**
 * What is kept of a file before it is worked on: pieces of it, compressed (zstd) and encrypted
 * (AES-256-GCM) with the keys that seal envelopes. Bytes: version (1), key id (6), nonce (12),
 * ciphertext, tag (16). The associated data binds the place a piece belongs to, so that no piece can
 * be passed off as another, of this file or of another one.
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
/** Level 1, as envelopes: what is compressed already is noticed, and costs little. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 }
/**
 * Room for what comes out at a time. Left alone it is 16 KiB for each piece, of which ten thousand small
 * ones are sealed at once: 240 MiB stood until they were collected.
 */
const [roomBytesMin, roomBytesMax] = [256, 16 * 1024]
/** Text comes out so many times as large, mostly; what has no room comes in several goes. */
const opensTo = 4

export class SealedBytesError extends Error {
  override name = 'SealedBytesError'
  readonly code: 'UNKNOWN_KEY' | 'UNREADABLE'
  constructor(code: 'UNKNOWN_KEY' | 'UNREADABLE', message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** @param binding what the piece is of, and where it belongs there */
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

/** A size that is known beforehand also spares small ones half of the time. */
function compress(bytes: Uint8Array): Buffer {
  const { length } = bytes
  return zstdCompressSync(bytes, { params, chunkSize: roomFor(length), pledgedSrcSize: length })
}

function roomFor(bytes: number): number {
  return Math.min(roomBytesMax, Math.max(roomBytesMin, bytes))
}

/**
 * Opens a piece.
 * @param bytesMax what it holds at most
 * @throws SealedPieceError UNKNOWN_KEY when the keyring lacks its key, UNREADABLE when any byte or the
 * place is not what was sealed
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
  /** Of what was filed (journal/salting.ts). */
  readonly salts: Salts
}
