/**
 * A token as few bytes: its parts are base64 of JSON and of a signature, which compress badly as text and well
 * as what they say. A browser keeps 4 kB of a cookie; packed, a token with some 250 employers fits. A small one
 * is left as it is: to inflate it would cost each request 100 µs.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { packedTokenBytesMax, plainTokenBytesMax } from '../../limits.ts'

/** First byte: how what follows is told. */
const asText = 0
const asParts = 1
const deflated = 2

export function packToken(token: string): Buffer {
  const [form, bytes] = formOf(token)
  return bytes.length <= plainTokenBytesMax
    ? Buffer.concat([Buffer.of(form), bytes])
    : Buffer.concat([Buffer.of(form | deflated), deflateRawSync(bytes)])
}

function formOf(token: string): [form: number, bytes: Buffer] {
  const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'))
  const [header, payload, signature] = parts
  // Spelled otherwise, it would be another token when it is unpacked.
  const isWhole = parts.length === 3 && joined(parts) === token
  if (!isWhole || header === undefined || payload === undefined || signature === undefined)
    return [asText, Buffer.from(token)]
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32BE(header.length, 0)
  lengths.writeUInt32BE(payload.length, 4)
  return [asParts, Buffer.concat([lengths, header, payload, signature])]
}

/** @param packed by `packToken`, as a seal proves */
export function unpackToken(packed: Buffer): string {
  const form = packed[0] as number
  const rest = packed.subarray(1)
  const isDeflated = (form & deflated) !== 0
  const bytes = isDeflated ? inflateRawSync(rest, { maxOutputLength: packedTokenBytesMax }) : rest
  if ((form & asParts) === 0) return bytes.toString()
  const payloadAt = 8 + bytes.readUInt32BE(0)
  const signatureAt = payloadAt + bytes.readUInt32BE(4)
  const ends = [bytes.subarray(8, payloadAt), bytes.subarray(payloadAt, signatureAt)]
  return joined([...ends, bytes.subarray(signatureAt)])
}

function joined(parts: readonly Buffer[]): string {
  return parts.map((part) => part.toString('base64url')).join('.')
}
