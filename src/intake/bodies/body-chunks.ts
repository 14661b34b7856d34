/**
 * A body that brings a file, as chunks to be made durable: each full, or what a slow line brought in
 * some seconds, or what is left at its end, however it ends. A line may be as slow as it likes while
 * something comes; one that stands still is given up. At most one chunk is held.
 */
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { chunkBytesMax, chunkBytesMin, chunkMsMax, uploadProgressBytesMin } from '../../limits.ts'

/** `complete`: as long as its sender said; `stopped`: the process is about to end. */
export type BodyEnd = 'complete' | 'broken' | 'stalled' | 'stopped'

export type ReadOptions = {
  readonly stallMsMax: number
  /** Aborted when the process is about to end: what came is kept, and the rest goes elsewhere. */
  readonly stop: AbortSignal
}

/** Yields chunks and returns how the body ended. The time in which the reader is away doesn't count. */
export async function* chunksOf(
  source: Readable,
  options: ReadOptions,
): AsyncGenerator<Buffer, BodyEnd, void> {
  // The source must outlive this: its connection takes the answer.
  const pieces = source.iterator({ destroyOnReturn: false })
  try {
    return yield* gather(pieces, options)
  } finally {
    // Whoever reads the rest away must not wait behind this reader.
    void pieces.return?.()
  }
}

async function* gather(
  pieces: NodeJS.AsyncIterator<Buffer>,
  { stallMsMax, stop }: ReadOptions,
): AsyncGenerator<Buffer, BodyEnd, void> {
  let next: ReturnType<typeof pieceOf> | undefined
  let open: Buffer[] = []
  let openBytes = 0
  let openedMs = performance.now()
  let progress = { bytes: 0, sinceMs: openedMs }
  for (;;) {
    next ??= pieceOf(pieces)
    const waitMs = Math.min(progress.sinceMs + stallMsMax, openedMs + chunkMsMax)
    const piece = await within(next, waitMs - performance.now(), stop)
    const nowMs = performance.now()
    if (piece !== undefined) next = undefined
    if (piece instanceof Buffer) {
      open.push(piece)
      openBytes += piece.length
      progress.bytes += piece.length
      if (progress.bytes >= uploadProgressBytesMin) progress = { bytes: 0, sinceMs: nowMs }
    }
    const stalled = nowMs - progress.sinceMs >= stallMsMax
    const cut = stop.aborted ? 'stopped' : stalled ? 'stalled' : undefined
    const end = typeof piece === 'string' ? piece : cut
    const late = nowMs - openedMs >= chunkMsMax
    if (end !== undefined || openBytes >= chunkBytesMax || (late && openBytes >= chunkBytesMin)) {
      const all = Buffer.concat(open)
      const whole = all.length - (all.length % chunkBytesMax)
      // What does not fill a chunk begins the next one, unless it must not wait.
      const kept = end !== undefined || late ? all.length : whole
      for (const chunk of slicesOf(all.subarray(0, kept))) yield chunk
      if (end !== undefined) return end
      open = [all.subarray(kept)]
      openBytes = all.length - kept
      progress = { bytes: 0, sinceMs: performance.now() }
    }
    if (late || openBytes === 0) openedMs = performance.now()
  }
}

/** The whole of a small body. */
export async function readWhole(
  source: Readable,
  options: ReadOptions,
): Promise<{ readonly bytes: Buffer; readonly end: BodyEnd }> {
  const chunks = chunksOf(source, options)
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

/** Undefined when it is late, or the process is about to end. */
async function within<T>(
  promise: Promise<T>,
  ms: number,
  stop: AbortSignal,
): Promise<T | undefined> {
  if (stop.aborted) return undefined
  const timer = new AbortController()
  const signal = AbortSignal.any([timer.signal, stop])
  try {
    const late = pause(Math.max(0, ms), undefined, { signal }).catch(() => undefined)
    return await Promise.race([promise, late])
  } finally {
    timer.abort()
  }
}
