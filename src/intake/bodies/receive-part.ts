/**
 * Reads one part of a file from a request into the store: chunk by chunk as it comes; or, with a
 * checksum, held and verified before the first byte of it is kept.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { AppendOutcome, Receiving } from '../../batch/uploads/receive-bytes.ts'
import { uploadGiveWayMs } from '../../limits.ts'
import type { Checksum } from '../wire/tus-headers.ts'
import { type BodyEnd, chunksOf, type ReadOptions, readWhole, slicesOf } from './body-chunks.ts'

/** Either the store took no more, or the body ended; and then the file may have. */
export type PartOutcome =
  | Exclude<AppendOutcome, { kind: 'appended' }>
  | { readonly kind: BodyEnd | 'tooLarge' | 'mismatch' | 'withdrawn' }

export type PartOptions = ReadOptions & {
  /** Of a whole file. */
  readonly bytesMax: number
  /** Whether what is more urgent needs the time now. */
  readonly shouldGiveWay: () => boolean
  /** Whether its sender's token, or that token's key, was withdrawn since it began. */
  readonly isWithdrawn: () => Promise<boolean>
}

export async function receivePart(
  receiving: Receiving,
  source: Readable,
  options: PartOptions,
): Promise<PartOutcome> {
  const chunks = chunksOf(source, options)
  try {
    return await takeChunks(receiving, chunks, options)
  } finally {
    await chunks.return('broken')
  }
}

async function takeChunks(
  receiving: Receiving,
  chunks: ReturnType<typeof chunksOf>,
  { bytesMax, shouldGiveWay, isWithdrawn }: PartOptions,
): Promise<PartOutcome> {
  let ahead = await chunks.next()
  for (;;) {
    if (ahead.done === true) return { kind: ahead.value }
    const chunk = ahead.value
    if (receiving.received + chunk.length > bytesMax) return { kind: 'tooLarge' }
    const last = receiving.received + chunk.length === receiving.size
    // What would end the file is kept once nothing follows it: with more it is another file.
    const after = last ? await chunks.next() : undefined
    if (after !== undefined && after.done !== true) return { kind: 'beyondSize' }
    if (await isWithdrawn()) return { kind: 'withdrawn' }
    const outcome = await receiving.append(chunk)
    if (outcome.kind !== 'appended') return outcome
    if (shouldGiveWay()) await pause(uploadGiveWayMs)
    ahead = after ?? (await chunks.next())
  }
}

/** Nothing of a part is kept that broke off, or is not what its checksum says. */
export async function receiveChecked(
  receiving: Receiving,
  source: Readable,
  options: PartOptions,
  { algorithm, digest }: Checksum,
): Promise<PartOutcome> {
  const { bytes, end } = await readWhole(source, options)
  if (end !== 'complete') return { kind: end }
  const found = createHash(algorithm).update(bytes).digest()
  if (found.length !== digest.length || !timingSafeEqual(found, digest)) return { kind: 'mismatch' }
  for (const chunk of slicesOf(bytes)) {
    if (await options.isWithdrawn()) return { kind: 'withdrawn' }
    const outcome = await receiving.append(chunk)
    if (outcome.kind !== 'appended') return outcome
  }
  return { kind: 'complete' }
}
