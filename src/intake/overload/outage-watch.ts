/**
 * The system measures its own unavailability: filings that are refused for want of room, or whose
 * commit fails, make a window, which ends when there was none for a while. So does a process that finds by itself
 * that it can accept nothing.
 *
 *   calm ──filings refused or failed, or it is unable──▶ open ──not so for half a minute──▶ calm
 *
 * What fails by the engine's own state is an outage for whoever meets it first. What many requests bring about
 * is one while several filers are refused: one alone could make windows at will, and a deadline is moved by
 * them. The refusals of one that goes on alone make no window longer.
 *
 * Windows and attempts wait in memory, bounded, until they can be written. If the process dies before, attempts are
 * lost, and the tickets that filers hold are not; windows are kept on its disk meanwhile (kept-outages.ts).
 */
import type { OutageCause, OutageWindow, RecordedAttempts } from '../../journal/outages.ts'
import { attemptsRememberedMax, outageFilersMin, outageQuietMs } from '../../limits.ts'

/** Whose ticket it is, and from when. */
export type IssuedTicket = Pick<RecordedAttempts, 'subject' | 'employer' | 'reason'> & {
  readonly atMs: number
}

/** Whether so many requests as one filer can send bring it about. */
const isOfLoad: Readonly<Record<OutageCause, boolean>> = {
  journal: true,
  requests: true,
  loop: true,
  memory: true,
  commit: false,
  keys: false,
  disk: false,
  off: false,
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

export class OutageWatch {
  #window: OutageWindow | undefined
  #number = 0
  /** Who was refused last, each filer once, the latest first. */
  #refused: readonly { readonly filer: string; readonly atMs: number }[] = []
  /** What changed since it was written. */
  #unwritten = new Map<number, OutageWindow>()
  /** By filer, employer and reason. */
  #attempts = new Map<string, Writable<RecordedAttempts>>()

  /** A filing of a filer was refused for want of room, or its commit failed. */
  note(cause: OutageCause, nowMs: number, filer: string): void {
    this.#endWhenQuiet(nowMs)
    if (isOfLoad[cause] && !this.#severalRefused(filer, nowMs)) return
    const failed = cause === 'commit' ? 1 : 0
    this.#extend(cause, nowMs, { refused: 1 - failed, failed })
  }

  /** Nothing could be accepted now, whether or not somebody files. */
  unable(cause: OutageCause, nowMs: number): void {
    this.#endWhenQuiet(nowMs)
    this.#extend(cause, nowMs, { refused: 0, failed: 0 })
  }

  #extend(cause: OutageCause, nowMs: number, more: Pick<OutageWindow, 'refused' | 'failed'>): void {
    if (this.#window === undefined) this.#number += 1
    const { beganMs = nowMs, refused = 0, failed = 0, cause: first = cause } = this.#window ?? {}
    this.#set({
      number: this.#number,
      beganMs,
      lastMs: nowMs,
      ended: false,
      cause: first,
      refused: refused + more.refused,
      failed: failed + more.failed,
    })
  }

  /** Whether several filers were refused of late, this one among them. */
  #severalRefused(filer: string, nowMs: number): boolean {
    const others = this.#refused.filter(({ filer: one }) => one !== filer)
    this.#refused = [{ filer, atMs: nowMs }, ...others].slice(0, outageFilersMin)
    const last = this.#refused[outageFilersMin - 1]
    return last !== undefined && nowMs - last.atMs < outageQuietMs
  }

  /** Somebody was given a ticket. */
  noteAttempt({ atMs, ...who }: IssuedTicket): void {
    this.#count({ firstMs: atMs, lastMs: atMs, tickets: 1, ...who })
  }

  #count(more: RecordedAttempts): void {
    const name = `${more.subject}\n${more.employer ?? ''}\n${more.reason}`
    const known = this.#attempts.get(name)
    if (known !== undefined) {
      known.lastMs = more.lastMs
      known.tickets += more.tickets
    } else if (this.#attempts.size < attemptsRememberedMax) {
      this.#attempts.set(name, more)
    }
  }

  /** The window that is open now, if one is. */
  open(nowMs: number): OutageWindow | undefined {
    this.#endWhenQuiet(nowMs)
    return this.#window
  }

  /** Hands what is not written yet to `save`; what it rejects is kept for the next time. */
  async write(
    save: (
      windows: readonly OutageWindow[],
      attempts: readonly RecordedAttempts[],
    ) => Promise<void>,
    nowMs: number,
  ): Promise<void> {
    this.#endWhenQuiet(nowMs)
    const [windows, attempts] = [this.#unwritten, this.#attempts]
    if (windows.size === 0 && attempts.size === 0) return
    this.#unwritten = new Map()
    this.#attempts = new Map()
    try {
      await save([...windows.values()], [...attempts.values()])
    } catch {
      // Windows that changed meanwhile are newer than those that could not be written.
      this.#unwritten = new Map([...windows, ...this.#unwritten])
      const since = this.#attempts
      this.#attempts = attempts
      for (const more of since.values()) this.#count(more)
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
