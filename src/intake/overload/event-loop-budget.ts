/**
 * How much of the event loop's time went to requests. What waits in its socket is seen by nobody; but
 * the longer a turn of the loop, the more there is to read in the next one, and with twice as much as
 * can be done each turn takes twice as long as the one before. So where turns stay crowded, requests
 * have a share of each slice of time, and those that are read after it are refused, for a tenth of the
 * cost.
 *
 *   calm ──a turn longer than its time──▶ crowded
 *   crowded, for a moment or with few requests ──▶ nothing is refused: a burst, or what a pause left
 *                                                  behind, is no overload
 *   crowded ──▶ in each slice, what is read after its time is refused
 *   crowded ──a turn within its time, or one in which nothing is read──▶ calm
 *
 * Slices and not turns, because the loop's turn goes on while it finds more to read.
 */
import { burstFilings, crowdMsMax, turnMsMax, turnPauseMsMax, turnSliceMs } from '../../limits.ts'

export class LoopTurn {
  /** When the first request of this turn was read; undefined before it. */
  #began: number | undefined
  #readAt = 0
  #usedMs = 0
  #sliceBegan = 0
  #sliceUsedMs = 0
  #crowdedSince: number | undefined
  /** Requests read since then. */
  #crowd = 0

  get crowded(): boolean {
    return this.#crowdedSince !== undefined
  }

  /** Since when this turn reads, and sees nothing of what ended since then; now, where it reads nothing. */
  busySince(now: number): number {
    return this.#began ?? now
  }

  /** A request is read; returns how much of its time the slice has used: 1 is all. */
  read(now: number): number {
    if (this.#began === undefined) this.#begin(now)
    else {
      // One thing that takes long, as a declaration of thousands of lines does, is no crowd.
      const ms = Math.min(now - this.#readAt, turnPauseMsMax)
      this.#usedMs += ms
      this.#sliceUsedMs += ms
    }
    this.#readAt = now
    if (now - this.#sliceBegan > turnSliceMs) {
      this.#sliceBegan = now
      this.#sliceUsedMs = 0
    }
    if (this.#usedMs > turnMsMax) this.#crowdedSince ??= this.#began
    if (this.#crowdedSince === undefined) return 0
    this.#crowd += 1
    const lasts = now - this.#crowdedSince > crowdMsMax && this.#crowd > burstFilings
    return lasts ? this.#sliceUsedMs / turnMsMax : 0
  }

  #begin(now: number): void {
    this.#began = now
    this.#sliceBegan = now
    this.#sliceUsedMs = 0
    this.#usedMs = 0
    setImmediate(() => this.end())
  }

  /** The loop has read all that there was. */
  end(): void {
    this.#began = undefined
    if (this.#usedMs <= turnMsMax) this.#calm()
    else {
      setImmediate(() => {
        if (this.#began === undefined) this.#calm()
      })
    }
  }

  #calm(): void {
    this.#crowdedSince = undefined
    this.#crowd = 0
  }
}
