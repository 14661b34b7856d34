/**
 * Builds a BullMQ queue or worker again until it is ready. BullMQ remembers for ever how its first query
 * ended: if it failed, every later call fails at once, and a worker's loop retries without ever yielding to
 * a timer or a signal. So nothing runs before it is ready, and what does not become ready is discarded.
 *
 *   building ──ready──▶ open
 *   building ──fails──▶ given up ──buildAgainMs──▶ building
 *   any ──close──▶ closed
 */
import { setTimeout as pause } from 'node:timers/promises'
import { buildAgainMs } from '../limits.ts'

/** What BullMQ's queues and workers have in common. */
export type Buildable = {
  waitUntilReady(): Promise<unknown>
  close(): Promise<unknown>
}

export type BuiltAnew<T> = {
  /** The one that is ready; stays pending until there is one, and when it is closed before. */
  readonly ready: Promise<T>
  /** Closes the one that there is, and builds no other. */
  close(): Promise<void>
}

/** @param onError called for each one that did not become ready */
export function buildUntilReady<T extends Buildable>(
  build: () => T,
  onError: (error: Error) => void,
  againMs = buildAgainMs,
): BuiltAnew<T> {
  const closing = new AbortController()
  let current: T | undefined
  const ready = new Promise<T>((resolve) => {
    const run = async () => {
      while (!closing.signal.aborted) {
        const built = build()
        current = built
        try {
          await built.waitUntilReady()
          return resolve(built)
        } catch (error) {
          if (closing.signal.aborted) return
          onError(error as Error)
          current = undefined
          built.close().catch(() => {}) // nothing of it was used
        }
        await pause(againMs, undefined, { signal: closing.signal }).catch(() => {})
      }
    }
    void run()
  })
  return {
    ready,
    close: async () => {
      closing.abort()
      await current?.close()
    },
  }
}
