/** A receipt as it is kept, shown and carried in a QR code. */
import type { Receipt } from '../../client/client.ts'
import { type Read, read } from '../state/read.ts'
import { answerHere } from './sender.ts'

/** As the answer to the filing had it, where this page has that; else as the service tells it again. */
export async function readReceipt(id: string): Promise<Read<Receipt>> {
  const here = answerHere(id)
  if (here !== undefined)
    return { kind: 'ok', value: (JSON.parse(here) as { receipt: Receipt }).receipt }
  return read(`/v1/declarations/${encodeURIComponent(id)}/receipt`)
}

/**
 * The address that proves a receipt, with all of it behind the `#`, which no browser sends: packed, as a QR code has
 * room for less than 3 kB.
 */
export async function verifyAddress(receipt: Receipt): Promise<string> {
  const packed = await through(
    new TextEncoder().encode(JSON.stringify(receipt)),
    new CompressionStream('deflate-raw'),
  )
  const text = btoa(String.fromCharCode(...packed))
  return `${location.origin}/verify#${text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`
}

/** More would be no receipt; what unpacks to more is cut off. */
const receiptBytesMax = 100_000

/** @throws where it is none */
export async function unpackReceipt(text: string): Promise<unknown> {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
    c.charCodeAt(0),
  )
  const unpacked = await through(bytes, new DecompressionStream('deflate-raw'))
  return JSON.parse(new TextDecoder().decode(unpacked))
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  by: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const reader = new Blob([bytes]).stream().pipeThrough(by).getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > receiptBytesMax) throw new RangeError('more than a receipt has')
    parts.push(value)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
