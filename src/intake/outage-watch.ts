/**
 * The system measures its own unavailability: filings that are refused for want of room, or whose
 * commit fails, make a window, which ends when there was none for a while.
 *
 *   calm ──a filing refused or failed──▶ open ──none for half a minute──▶ calm
 *
 * Windows and attempts wait in memory, bounded, until they can be written; if the process dies before,
 * they are lost, and the tickets that filers hold are not.
 */
import type { OutageCause, OutageWindow, RecordedAttempt } from '../journal/outages.ts'
import { attemptsRememberedMax, outageQuietMs } from '../limits.ts'

export class OutageWatch {
  #window: OutageWindow | undefined
  #number = 0
  /** What changed since it was written. */
  #unwritten = new Map<number, OutageWindow>()
  #attempts: RecordedAttempt[] = []

  /** A filing was refused for want of room, or its commit failed. */
  note(cause: OutageCause, nowMs: number): void {
    this.#endWhenQuiet(nowMs)
    if (this.#window === undefined) this.#number += 1
    const { beganMs = nowMs, refused = 0, failed = 0, cause: first = cause } = this.#window ?? {}
    this.#set({
      number: this.#number,
      beganMs,
      lastMs: nowMs,
      ended: false,
      cause: first,
      refused: refused + (cause === 'commit' ? 0 : 1),
      failed: failed + (cause === 'commit' ? 1 : 0),
    })
  }

  /** Somebody was given a ticket. */
  noteAttempt(attempt: RecordedAttempt): void {
    if (this.#attempts.length < attemptsRememberedMax) this.#attempts.push(attempt)
  }

  /** The window that is open now, if one is. */
  open(nowMs: number): OutageWindow | undefined {
    this.#endWhenQuiet(nowMs)
    return this.#window
  }

  /** Hands what is not written yet to `save`; what it rejects is kept for the next time. */
  async write(
    save: (windows: readonly OutageWindow[], attempts: readonly RecordedAttempt[]) => Promise<void>,
    nowMs: number,
  ): Promise<void> {
    this.#endWhenQuiet(nowMs)
    const [windows, attempts] = [this.#unwritten, this.#attempts]
    if (windows.size === 0 && attempts.length === 0) return
    this.#unwritten = new Map()
    this.#attempts = []
    try {
      await save([...windows.values()], attempts)
    } catch {
      // Windows that changed meanwhile are newer than those that could not be written.
      this.#unwritten = new Map([...windows, ...this.#unwritten])
      this.#attempts = [...attempts, ...this.#attempts].slice(0, attemptsRememberedMax)
    }
  }

  #endWhenQuiet(nowMs: number): void {
    const window = this.#window
    if (window === undefined || nowMs - window.lastMs < outageQuietMs) return
    this.#set({ ...window, ended: true })
    this.#window = undefined
  }

  #set(window: OutageWindow): void {
    this.#window = window
    this.#unwritten.set(window.number, window)
  }
}
