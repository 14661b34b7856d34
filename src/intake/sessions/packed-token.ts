/**
 * A token as few bytes: its parts are base64 of JSON and of a signature, which compress badly as text and well
 * as what they say. A browser keeps 4 kB of a cookie; packed, a token with some 250 employers fits.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { packedTokenBytesMax } from '../../limits.ts'

/** First byte: how what follows is told. */
const asParts = 1
const asText = 0

export function packToken(token: string): Buffer {
  const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'))
  const [header, payload, signature] = parts as [Buffer, Buffer, Buffer]
  // Spelled otherwise, it would be another token when it is unpacked.
  if (parts.length !== 3 || joined(parts) !== token)
    return deflateRawSync(Buffer.concat([Buffer.of(asText), Buffer.from(token)]))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(header.length, 0)
  lengths.writeUInt32BE(payload.length, 4)
  return deflateRawSync(Buffer.concat([Buffer.of(asParts), lengths, header, payload, signature]))
}

/** @param packed by `packToken`, as a seal proves */
export function unpackToken(packed: Uint8Array): string {
  const bytes = inflateRawSync(packed, { maxOutputLength: packedTokenBytesMax })
  if (bytes[0] === asText) return bytes.toString('latin1', 1)
  const payloadAt = 9 + bytes.readUInt32BE(1)
  const signatureAt = payloadAt + bytes.readUInt32BE(5)
  const ends = [bytes.subarray(9, payloadAt), bytes.subarray(payloadAt, signatureAt)]
  return joined([...ends, bytes.subarray(signatureAt)])
}

function joined(parts: readonly Buffer[]): string {
  return parts.map((part) => part.toString('base64url')).join('.')
}
