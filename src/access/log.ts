/**
 * The writer of the access log in a process. Entries are buffered and written in groups, one group at a
 * time.
 *
 *   idle ──note──▶ buffering ──1 s, or a full group──▶ writing ──done──▶ idle, or the next group
 *   any  ──write─▶ writing at once, with everything buffered
 *   writing ──done, less than a full group, and nobody waits──▶ buffering for another second
 *   writing ──failed──▶ pausing ──▶ writing: the same entries again, before newer ones
 *   any  ──stop──▶ writes what is buffered once more; what is left is lost, and counted
 *
 * A filer who looks at their own data is answered at once; the entry waits in memory for a second.
 * Auditors, supervisors, operators and the help desk look at data of others: each of their answers
 * waits until its entry is durable, and is refused if that takes too long. The log exists for these
 * reads. A flood of filers who check their status must neither wait for it nor be refused.
 *
 * If the process dies
 *  - with entries in memory: entries of filers of the last second are lost; none of staff, who have had
 *    no answer;
 *  - while a group is written: all of it is in the log, or nothing (append.ts).
 * While the log can't be written, entries of filers are buffered up to a bound; further ones are
 * counted. The next group that is written says how many are missing, from when until when. A process
 * that dies before that loses the count too.
 */
import { randomUUID } from 'node:crypto'
import {
  accessEntriesHeldMax,
  accessGroupEntries,
  accessRetryMsMax,
  accessRetryMsMin,
  accessWaitMsMax,
  accessWriteEveryMs,
} from '../limits.ts'
import { type AppendDependencies, appendGroup } from './append.ts'
import { chainStart, headText } from './chain.ts'
import type { AccessEntry, CutEntry, Entry, LostEntry } from './entry.ts'

export type AccessLogDependencies = AppendDependencies & {
  readonly onWritten?: (entries: number) => void
  /** Called with a number of reads that will have no entry, or may have none. */
  readonly onLost?: (entries: number) => void
  /** Called when the log can't be written, or was cut. */
  readonly onTrouble?: (what: { readonly err?: unknown; readonly cut?: string }) => void
}

/** The entry is not durable: the read must not be answered. */
export class AccessNotLoggedError extends Error {
  override name = 'AccessNotLoggedError'
}

type PendingEntry = { readonly entry: Entry; readonly done?: (error?: Error) => void }

export class AccessLog {
  readonly #dependencies: AccessLogDependencies
  readonly #writer = randomUUID()
  #nth = 0
  #head = chainStart
  #pending: PendingEntry[] = []
  /** Entries being written. */
  #underWay = 0
  #lost: LostEntry | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopped = false
  /** Ends a pause, because somebody waits. */
  #endPause = () => {}

  constructor(dependencies: AccessLogDependencies) {
    this.#dependencies = dependencies
  }

  /** Entries in memory only. */
  get waiting(): number {
    return this.#pending.length + this.#underWay
  }

  /** Adds an entry without waiting, if there is room for it. */
  note(make: () => AccessEntry): void {
    if (this.#stopped || this.waiting >= accessEntriesHeldMax) {
      this.#lose(Date.now())
      return
    }
    this.#pending.push({ entry: make() })
    if (this.#running !== undefined) return
    if (this.#pending.length >= accessGroupEntries) this.#start()
    else this.#startLater()
  }

  /**
   * Resolves when the entry is durable.
   * @throws AccessNotLoggedError if that fails or takes too long; the entry may still be written later
   */
  write(entry: AccessEntry): Promise<void> {
    if (this.#stopped || this.waiting >= 2 * accessEntriesHeldMax)
      return Promise.reject(new AccessNotLoggedError('the access log takes no more'))
    return new Promise((resolve, reject) => {
      const late = () => done(new AccessNotLoggedError('the access log takes too long'))
      const timer = setTimeout(late, accessWaitMsMax)
      const done = (error?: Error) => {
        clearTimeout(timer)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#pending.push({ entry, done })
      this.#start()
      this.#endPause()
    })
  }

  /** Writes the rest, or loses it; may be called twice. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#endPause()
    await this.#running
    this.#start()
    await this.#running
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#isDue(false)) this.#start()
      else if (this.#pending.length > 0) this.#startLater()
    })
  }

  async #run(): Promise<void> {
    if (this.#pending.length === 0 && this.#lost === undefined) return
    let pauseMs = accessRetryMsMin
    let error: Error | undefined
    do {
      const wasStopped = this.#stopped
      error = await this.#writeGroup()
      if (error === undefined) pauseMs = accessRetryMsMin
      else {
        this.#dependencies.onTrouble?.({ err: error })
        if (wasStopped) return this.#giveUp()
        if (!this.#stopped) await this.#pause(pauseMs)
        pauseMs = Math.min(2 * pauseMs, accessRetryMsMax)
      }
    } while (this.#isDue(error !== undefined))
  }

  /** Whether the next group goes at once. Entries of filers wait for a second. */
  #isDue(failed: boolean): boolean {
    if (this.#pending.length === 0) return this.#lost !== undefined
    if (failed || this.#stopped || this.#pending.length >= accessGroupEntries) return true
    return this.#lost !== undefined || this.#pending.some(({ done }) => done !== undefined)
  }

  #startLater(): void {
    this.#timer ??= setTimeout(() => this.#start(), accessWriteEveryMs).unref()
  }

  /** @returns why nothing was written */
  async #writeGroup(): Promise<Error | undefined> {
    const group = this.#pending.splice(0, accessGroupEntries)
    this.#underWay = group.length
    const lost = this.#lost
    this.#lost = undefined
    const entries = [...(lost === undefined ? [] : [lost]), ...group.map(({ entry }) => entry)]
    const writer = { writer: this.#writer, nth: this.#nth + 1 }
    try {
      const { head, cut } = await appendGroup(this.#dependencies, this.#head, writer, entries)
      this.#head = head
      if (cut !== undefined) {
        this.#restore(lost, [{ entry: this.#cut(headText(cut)) }, ...group])
        return undefined
      }
      this.#nth += 1
      for (const { done } of group) done?.()
      this.#dependencies.onWritten?.(entries.length)
      return undefined
    } catch (error) {
      this.#restore(lost, group)
      return error as Error
    } finally {
      this.#underWay = 0
    }
  }

  #cut(cut: string): CutEntry {
    this.#dependencies.onTrouble?.({ cut })
    return { at: Date.now(), cut }
  }

  /** Entries that could not be written go before newer ones. */
  #restore(lost: LostEntry | undefined, group: readonly PendingEntry[]): void {
    this.#pending.unshift(...group)
    const since = this.#lost
    if (lost === undefined) return
    this.#lost = {
      at: lost.at,
      lost: lost.lost + (since?.lost ?? 0),
      until: since?.until ?? lost.until,
    }
  }

  #lose(at: number): void {
    const { lost = 0, at: since = at } = this.#lost ?? {}
    this.#lost = { at: since, lost: lost + 1, until: at }
    this.#dependencies.onLost?.(1)
  }

  #giveUp(): void {
    const left = this.#pending.splice(0)
    for (const { done } of left) done?.(new AccessNotLoggedError('the process ends'))
    this.#lost = undefined
    this.#dependencies.onLost?.(left.length)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref()
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
