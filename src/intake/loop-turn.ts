/**
 * How many of the requests that are read can be let in, where this process's own time is what lacks.
 * What waits in its socket is seen by nobody; but the longer a turn of the event loop, the more there is
 * to read in the next one. So the length of a turn tells how long requests wait, and where turns stay
 * longer than they should, a part of requests is refused as soon as it is read, for a tenth of the cost
 * of letting it in.
 *
 *   calm ──turns too long, for more than a moment, with more than a burst──▶ a part is let in
 *   a part ──a turn too long──▶ a smaller part, each time that a turn should have ended
 *   a part ──turns in time, or none──▶ a larger part, until it is all: calm
 *
 * A part is spread evenly over what is read: the first of each turn would be those of the same connections.
 */
import { burstFilings, crowdMsMax, turnMsMax, turnPauseMsMax } from '../limits.ts'

/** What one turn too long leaves of the part, and what one in time makes of it. */
const shrink = 0.9
const grow = 1.05
/** Refusing alone can take all the time there is; a few are let in even then. */
const partMin = 0.02
/** The golden ratio's fraction: its multiples are spread evenly, however many are looked at. */
const stride = (Math.sqrt(5) - 1) / 2

export class LoopTurn {
  /** When the first request of this turn was read; undefined before it. */
  #began: number | undefined
  #readAt = 0
  #usedMs = 0
  #crowdedSince: number | undefined
  /** Requests read since then. */
  #crowd = 0
  /** Of requests, let in; 1 is all. */
  #part = 1
  #changedAt = 0
  #place = 0

  get crowded(): boolean {
    return this.#crowdedSince !== undefined
  }

  /**
   * A request is read; returns its pressure: those below 1 are the part that can be let in, and as many
   * more are below 2. 0 in calm.
   */
  read(now: number): number {
    if (this.#began === undefined) this.#begin(now)
    // One thing that takes long, as a declaration of thousands of lines does, is no crowd.
    else this.#usedMs += Math.min(now - this.#readAt, turnPauseMsMax)
    this.#readAt = now
    if (this.#usedMs > turnMsMax) this.#crowdedSince ??= this.#began
    if (this.#crowdedSince !== undefined) this.#crowdAt(now, this.#crowdedSince)
    if (this.#part === 1) return 0
    this.#place = (this.#place + stride) % 1
    return this.#place / this.#part
  }

  #begin(now: number): void {
    this.#began = now
    this.#usedMs = 0
    if (this.#part < 1 && !this.crowded) {
      this.#part = Math.min(1, this.#part * grow ** ((now - this.#changedAt) / turnMsMax))
      this.#changedAt = now
    }
    setImmediate(() => this.end())
  }

  #crowdAt(now: number, since: number): void {
    this.#crowd += 1
    const lasts = now - since > crowdMsMax && this.#crowd > burstFilings
    if (this.#usedMs <= turnMsMax || (this.#part === 1 && !lasts)) return
    if (now - this.#changedAt < turnMsMax) return
    this.#part = Math.max(partMin, shrink * this.#part)
    this.#changedAt = now
  }

  /** The loop has read all that there was. */
  end(): void {
    this.#began = undefined
    if (this.#usedMs > turnMsMax) return
    this.#crowdedSince = undefined
    this.#crowd = 0
  }
}
