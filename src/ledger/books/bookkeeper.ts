/**
 * The bookkeeper closes each past day: it signs the day's books once nothing of that day is under way, and
 * reports books that don't balance. Every worker runs one; a day is closed once.
 */
import type pg from 'pg'
import { addDays, dayOf } from '../../declaration/period.ts'
import type { Signer } from '../../journal/receipts/compact-jws.ts'
import { closeDaysMax, closeEveryMs } from '../../limits.ts'
import { type Books, closeDay } from './books.ts'

export type BookkeeperDependencies = {
  readonly pool: pg.Pool
  readonly signer: Signer
  readonly nowMs: () => number
  readonly onClosed: (books: Books) => void
  /** Of one day, which does not keep the others open. */
  readonly onError: (error: unknown, day: string) => void
}

/** Starts at once; `stop` ends it after what is under way. */
export function startBookkeeper(dependencies: BookkeeperDependencies): { stop(): Promise<void> } {
  let running = Promise.resolve()
  const turn = () => {
    running = running.then(() => closeDays(dependencies))
  }
  const timer = setInterval(turn, closeEveryMs)
  timer.unref()
  turn()
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}

/** Closes the open days before today, so that an engine that was off catches up. */
export async function closeDays({
  pool,
  signer,
  nowMs,
  onClosed,
  onError,
}: BookkeeperDependencies): Promise<void> {
  const today = dayOf(nowMs() * 1_000)
  for (let ago = closeDaysMax; ago >= 1; ago -= 1) {
    const day = addDays(today, -ago)
    try {
      const client = await pool.connect()
      try {
        const books = await closeDay(client, signer, day)
        if (books !== undefined) onClosed(books)
      } finally {
        client.release()
      }
    } catch (error) {
      onError(error, day)
    }
  }
}
