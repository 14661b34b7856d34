/**
 * The writer of the access log in a process: entries gather, and go out in groups, one group at a time.
 *
 *   idle ──note──▶ gathering ──1 s, or a full group──▶ writing ──done──▶ idle, or the next group
 *   any  ──write─▶ writing at once: what gathered goes with it
 *   writing ──done, less than a full group, and nobody waits──▶ gathering, for a second again
 *   writing ──failed──▶ pausing ──▶ writing: the same entries again, before those that came since
 *   any  ──stop──▶ what gathered is tried once more; then what is left is lost, and counted
 *
 * Who waits for what. A filer who looks at its own is answered at once: the entry waits in memory, for a second.
 * Auditors, supervisors, operators and the help desk look at what is others': each of their answers waits until its
 * entry is durable, and is refused where that takes too long. It is for these that the log is there; and
 * a flood of filers who ask how they stand must neither wait for it nor be refused.
 *
 * If the process dies
 *  - with entries in memory: those of filers of the last second are lost; of staff none, as they have had no
 *    answer;
 *  - while a group is being written: all of it is in the log, or nothing (append.ts).
 * While the log can't be written, entries of filers gather up to a bound; what comes beyond is counted, and
 * the first group that is written afterwards says how many are missing, from when until when. A process
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
import { headText, origin } from './chain.ts'
import type { AccessEntry, CutEntry, Entry, LostEntry } from './entry.ts'

export type AccessLogDependencies = AppendDependencies & {
  readonly onWritten?: (entries: number) => void
  /** Reads of which no entry will be, or may be. */
  readonly onLost?: (entries: number) => void
  /** It can't be written now; or was cut. */
  readonly onTrouble?: (what: { readonly err?: unknown; readonly cut?: string }) => void
}

/** Its entry is not durable: nothing may be answered. */
export class AccessNotLoggedError extends Error {
  override name = 'AccessNotLoggedError'
}

type Waiting = { readonly entry: Entry; readonly done?: (error?: Error) => void }

export class AccessLog {
  readonly #dependencies: AccessLogDependencies
  readonly #writer = randomUUID()
  #nth = 0
  #head = origin
  #waiting: Waiting[] = []
  /** Entries that are being written. */
  #underWay = 0
  #lost: LostEntry | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopped = false
  /** Ends a pause: somebody waits. */
  #hurry = () => {}

  constructor(dependencies: AccessLogDependencies) {
    this.#dependencies = dependencies
  }

  /** Entries that are in memory alone. */
  get waiting(): number {
    return this.#waiting.length + this.#underWay
  }

  /** Costs the caller no wait; an entry is made where there is room for it. */
  note(make: () => AccessEntry): void {
    if (this.#stopped || this.waiting >= accessEntriesHeldMax) {
      this.#lose(Date.now())
      return
    }
    this.#waiting.push({ entry: make() })
    if (this.#running !== undefined) return
    if (this.#waiting.length >= accessGroupEntries) this.#start()
    else this.#startLater()
  }

  /**
   * Resolves when the entry is durable.
   * @throws AccessNotLoggedError where it can't be, or not in time; it may be written later
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
      this.#waiting.push({ entry, done })
      this.#start()
      this.#hurry()
    })
  }

  /** Writes what is left, or loses it; may be called twice. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#hurry()
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
      else if (this.#waiting.length > 0) this.#startLater()
    })
  }

  async #run(): Promise<void> {
    if (this.#waiting.length === 0 && this.#lost === undefined) return
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

  /** Whether the next group is to go at once: what filers leave meanwhile gathers for a second. */
  #isDue(failed: boolean): boolean {
    if (this.#waiting.length === 0) return this.#lost !== undefined
    if (failed || this.#stopped || this.#waiting.length >= accessGroupEntries) return true
    return this.#lost !== undefined || this.#waiting.some(({ done }) => done !== undefined)
  }

  #startLater(): void {
    this.#timer ??= setTimeout(() => this.#start(), accessWriteEveryMs).unref()
  }

  /** @returns why nothing was written */
  async #writeGroup(): Promise<Error | undefined> {
    const group = this.#waiting.splice(0, accessGroupEntries)
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

  /** What could not be written goes before what came since. */
  #restore(lost: LostEntry | undefined, group: readonly Waiting[]): void {
    this.#waiting.unshift(...group)
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
    const left = this.#waiting.splice(0)
    for (const { done } of left) done?.(new AccessNotLoggedError('the process ends'))
    this.#lost = undefined
    this.#dependencies.onLost?.(left.length)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref()
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
