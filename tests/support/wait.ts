/** Waits for a condition with a deadline, instead of sleeping. */
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves with the first value that is neither undefined nor false; rejects at the deadline. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`${what}: not within ${deadlineMs} ms`)
    await pause(20)
  }
}
