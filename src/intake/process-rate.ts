/**
 * What this process brings where it, and not the journal, is at its end: filings accepted in a second of
 * its event loop's working time, with all that it does beside them. Taken from full moments alone: what a
 * process does at rest is not done for filings.
 */

/** Filings that are enough to tell, where they came within so long. */
const enoughFilings = 100
const momentMs = 1_000

export class ProcessRate {
  readonly #activeMs: () => number
  #began = 0
  #activeBegan = 0
  #accepted = 0
  #perSecond = Number.POSITIVE_INFINITY

  /** @param activeMs how long the event loop has worked */
  constructor(activeMs = () => performance.eventLoopUtilization().active) {
    this.#activeMs = activeMs
  }

  /** Filings in a second; infinite before the first full moment. */
  get perSecond(): number {
    return this.#perSecond
  }

  /** A filing was accepted. */
  accept(now: number): void {
    this.#accepted += 1
    const isOver = now - this.#began > momentMs
    if (!isOver && this.#accepted < enoughFilings) return
    const active = this.#activeMs()
    if (!isOver)
      this.#perSecond = (1_000 * this.#accepted) / Math.max(1, active - this.#activeBegan)
    this.#began = now
    this.#activeBegan = active
    this.#accepted = 0
  }
}
