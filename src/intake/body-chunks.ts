/**
 * A body that brings a file, as chunks to be made durable: each full, or what a slow line brought in
 * some seconds, or what is left at its end, however it ends. A line may be as slow as it likes while
 * something comes; one that stands still is given up. At most one chunk is held.
 */
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { chunkBytesMax, chunkBytesMin, chunkMsMax, uploadProgressBytesMin } from '../limits.ts'

/** `complete`: as long as its sender said. */
export type BodyEnd = 'complete' | 'broken' | 'stalled'

/** Yields chunks and returns how the body ended. The time in which the reader is away doesn't count. */
export async function* chunksOf(
  source: Readable,
  stallMsMax: number,
): AsyncGenerator<Buffer, BodyEnd, void> {
  // The source must outlive this: its connection takes the answer.
  const pieces = source.iterator({ destroyOnReturn: false })
  try {
    return yield* gather(pieces, stallMsMax)
  } finally {
    // Whoever reads the rest away must not wait behind this reader.
    void pieces.return?.()
  }
}

async function* gather(
  pieces: NodeJS.AsyncIterator<Buffer>,
  stallMsMax: number,
): AsyncGenerator<Buffer, BodyEnd, void> {
  let next: ReturnType<typeof pieceOf> | undefined
  let open: Buffer[] = []
  let openBytes = 0
  let openedMs = performance.now()
  let progress = { bytes: 0, sinceMs: openedMs }
  for (;;) {
    next ??= pieceOf(pieces)
    const waitMs = Math.min(progress.sinceMs + stallMsMax, openedMs + chunkMsMax)
    const piece = await within(next, waitMs - performance.now())
    const nowMs = performance.now()
    if (piece !== undefined) next = undefined
    if (piece instanceof Buffer) {
      open.push(piece)
      openBytes += piece.length
      progress.bytes += piece.length
      if (progress.bytes >= uploadProgressBytesMin) progress = { bytes: 0, sinceMs: nowMs }
    }
    const stalled = nowMs - progress.sinceMs >= stallMsMax
    const end = typeof piece === 'string' ? piece : stalled ? 'stalled' : undefined
    const late = nowMs - openedMs >= chunkMsMax
    if (end !== undefined || openBytes >= chunkBytesMax || (late && openBytes >= chunkBytesMin)) {
      for (const chunk of slicesOf(Buffer.concat(open))) yield chunk
      if (end !== undefined) return end
      open = []
      openBytes = 0
      progress = { bytes: 0, sinceMs: performance.now() }
    }
    if (late || openBytes === 0) openedMs = performance.now()
  }
}

/** The whole of a small body. */
export async function readWhole(
  source: Readable,
  stallMsMax: number,
): Promise<{ readonly bytes: Buffer; readonly end: BodyEnd }> {
  const chunks = chunksOf(source, stallMsMax)
  const all: Buffer[] = []
  for (;;) {
    const { done, value } = await chunks.next()
    if (done === true) return { bytes: Buffer.concat(all), end: value }
    all.push(value)
  }
}

/** Pieces of at most a chunk. */
export function* slicesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytesMax)
    yield bytes.subarray(at, at + chunkBytesMax)
}

/** Never rejects: it may be waited for after its reader has gone. */
function pieceOf(pieces: NodeJS.AsyncIterator<Buffer>): Promise<Buffer | 'complete' | 'broken'> {
  return pieces.next().then(
    ({ done, value }) => (done === true ? 'complete' : (value as Buffer)),
    () => 'broken' as const,
  )
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const timer = new AbortController()
  try {
    const late = pause(Math.max(0, ms), undefined, { signal: timer.signal }).catch(() => undefined)
    return await Promise.race([promise, late])
  } finally {
    timer.abort()
  }
}
