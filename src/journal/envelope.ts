/**
 * Envelopes: the declarations of one commit, compressed (zstd) and encrypted (AES-256-GCM) as one,
 * behind a head with the policies under which they were accepted. Version 1 had no head.
 * Bytes: version (1), key id (6), nonce (12), ciphertext, tag (16). The associated data binds the
 * envelope's number, so that no envelope can be passed off as another.
 */
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { envelopeHeadBytesMax, groupBytesMax, groupDeclarationsMax } from '../limits.ts'

const version = 2
const headlessVersion = 1
const keyIdBytes = 6
const nonceBytes = 12
const tagBytes = 16
const headerBytes = 1 + keyIdBytes + nonceBytes
/** Canonical forms contain no line break (JSON escapes it), so one separates them. */
const separator = 0x0a
const openedBytesMax = groupBytesMax + groupDeclarationsMax + envelopeHeadBytesMax
/** Level 1: 3 times smaller than plain; level 3 saves 5% more at twice the time. */
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** `kid`: 12 hexadecimal digits; `secret`: 256 bits. */
export type EnvelopeKey = { readonly kid: string; readonly secret: KeyObject }

export class EnvelopeError extends Error {
  override name = 'EnvelopeError'
  readonly code: 'UNKNOWN_KEY' | 'UNREADABLE'
  constructor(code: 'UNKNOWN_KEY' | 'UNREADABLE', message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Seals canonical declarations and their head, as UTF-8 without line breaks, under an envelope number.
 * @throws AssertionError above `groupBytesMax`: what can't be opened again must not be accepted
 */
export function sealEnvelope(
  key: EnvelopeKey,
  number: bigint,
  head: Uint8Array,
  canonical: readonly Uint8Array[],
): Buffer {
  assert(head.length < envelopeHeadBytesMax, 'an envelope must be small enough to be opened again')
  const header = Buffer.allocUnsafe(headerBytes)
  header[0] = version
  header.write(key.kid, 1, keyIdBytes, 'hex')
  const nonce = randomBytes(nonceBytes)
  header.set(nonce, 1 + keyIdBytes)
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce)
  cipher.setAAD(associatedData(header, number))
  const compressed = zstdCompressSync(join([head, ...canonical]), compression)
  const body = cipher.update(compressed)
  cipher.final()
  return Buffer.concat([header, body, cipher.getAuthTag()])
}

export type OpenedParts = {
  /** Undefined in envelopes of before there were heads. */
  readonly head: Buffer | undefined
  /** By position. */
  readonly canonical: readonly Buffer[]
}

/**
 * Opens an envelope.
 * @throws EnvelopeError UNKNOWN_KEY when the keyring lacks its key, UNREADABLE when any byte or the
 * number is not what was sealed
 */
export function openEnvelope(
  keys: readonly EnvelopeKey[],
  number: bigint,
  sealed: Buffer,
): OpenedParts {
  const kid = sealed.toString('hex', 1, 1 + keyIdBytes)
  const headless = sealed[0] === headlessVersion
  if ((sealed[0] !== version && !headless) || sealed.length < headerBytes + tagBytes) {
    throw new EnvelopeError('UNREADABLE', `Envelope ${number} is damaged.`)
  }
  const key = keys.find((candidate) => candidate.kid === kid)
  if (key === undefined) {
    throw new EnvelopeError(
      'UNKNOWN_KEY',
      `Envelope ${number} was sealed with key ${kid}, which is not in the keyring: restore that key.`,
    )
  }
  const parts = split(decrypt(key, number, sealed))
  const head = headless ? undefined : parts.shift()
  if (parts.length > groupDeclarationsMax) {
    throw new EnvelopeError('UNREADABLE', `Envelope ${number} holds too many declarations.`)
  }
  return { head, canonical: parts }
}

function join(parts: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(
    parts.reduce((sum, part) => sum + part.length + 1, parts.length === 0 ? 0 : -1),
  )
  let end = 0
  for (const [i, part] of parts.entries()) {
    if (i > 0) end = bytes.writeUInt8(separator, end)
    bytes.set(part, end)
    end += part.length
  }
  assert(end <= openedBytesMax, 'an envelope must be small enough to be opened again')
  return bytes
}

function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let start = 0
  for (let end = bytes.indexOf(separator); end >= 0; end = bytes.indexOf(separator, start)) {
    parts.push(bytes.subarray(start, end))
    start = end + 1
  }
  return [...parts, bytes.subarray(start)]
}

function decrypt(key: EnvelopeKey, number: bigint, sealed: Buffer): Buffer {
  const header = sealed.subarray(0, headerBytes)
  const decipher = createDecipheriv('aes-256-gcm', key.secret, header.subarray(1 + keyIdBytes))
  decipher.setAAD(associatedData(header, number))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  try {
    const compressed = decipher.update(sealed.subarray(headerBytes, sealed.length - tagBytes))
    decipher.final()
    return zstdDecompressSync(compressed, { maxOutputLength: openedBytesMax })
  } catch (cause) {
    throw new EnvelopeError('UNREADABLE', `Envelope ${number} is damaged.`, { cause })
  }
}

function associatedData(header: Buffer, number: bigint): Buffer {
  const data = Buffer.alloc(8 + headerBytes)
  data.writeBigUInt64BE(number)
  data.set(header, 8)
  return data
}
