/**
 * What this process brings where it, and not the journal, is at its end: filings accepted in a second of
 * its event loop's working time, with all that it does beside them. Taken from full moments alone: what a
 * process does at rest is not done for filings.
 */

/** Filings that are enough to tell, where they came within so long. */
const enoughFilings = 100
const momentMs = 1_000
/** A full moment tells nothing of what the process brings so long after it. */
const remembersMs = 10_000

export class ProcessRate {
  readonly #activeMs: () => number
  #began = 0
  #activeBegan = 0
  #accepted = 0
  #perSecond = Number.POSITIVE_INFINITY
  #foundAt = 0

  /** @param activeMs how long the event loop has worked */
  constructor(activeMs = () => performance.eventLoopUtilization().active) {
    this.#activeMs = activeMs
  }

  /** Filings in a second; infinite where no moment was full of late. */
  perSecondAt(now: number): number {
    return now - this.#foundAt < remembersMs ? this.#perSecond : Number.POSITIVE_INFINITY
  }

  /** A filing was accepted. */
  accept(now: number): void {
    this.#accepted += 1
    const isOver = now - this.#began > momentMs
    if (!isOver && this.#accepted < enoughFilings) return
    const active = this.#activeMs()
    if (!isOver) {
      this.#foundAt = now
      this.#perSecond = (1_000 * this.#accepted) / Math.max(1, active - this.#activeBegan)
    }
    this.#began = now
    this.#activeBegan = active
    this.#accepted = 0
  }
}
