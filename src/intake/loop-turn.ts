/**
 * How much of the event loop's turn went to requests. What waits in its socket is seen by nobody; but
 * the longer a turn, the more there is to read in the next one, and with twice as much as can be done
 * each turn takes twice as long as the one before. So requests have a share of time in a turn, and
 * those that are read after it are refused, for a tenth of the cost.
 *
 *   short ──▶ nothing is refused
 *   crowded, after a short one ──▶ nothing is: what a pause left behind is no overload
 *   crowded, after crowded ones, few read in all of them ──▶ nothing is: a burst is no overload
 *   crowded, after crowded ones ──▶ what comes after its time is refused
 */
import { burstFilings, turnMsMax, turnPauseMsMax } from '../limits.ts'

export class LoopTurn {
  #usedMs = 0
  /** When a request was read last; undefined before the first of a turn. */
  #readAt: number | undefined
  #crowdedBefore = false
  /** Requests read in this turn and in the crowded ones right before it. */
  #crowd = 0

  /** True when the turn before this one was longer than its time. */
  get crowded(): boolean {
    return this.#crowdedBefore
  }

  /** A request is read; returns how much of its time the turn has used: 1 is all. */
  read(now: number): number {
    if (this.#readAt === undefined) setImmediate(() => this.end())
    // One thing that takes long, as a declaration of thousands of lines does, is no crowd.
    else this.#usedMs += Math.min(now - this.#readAt, turnPauseMsMax)
    this.#readAt = now
    this.#crowd += 1
    const isOverload = this.#crowdedBefore && this.#crowd > burstFilings
    return isOverload ? this.#usedMs / turnMsMax : 0
  }

  /** The loop has read all that there was. */
  end(): void {
    this.#crowdedBefore = this.#usedMs > turnMsMax
    if (!this.#crowdedBefore) this.#crowd = 0
    this.#usedMs = 0
    this.#readAt = undefined
  }
}
