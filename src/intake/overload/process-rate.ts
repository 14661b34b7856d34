/**
 * What this process brings where it, and not the journal, is at its end: filings accepted in a second of
 * its event loop's working time, with all that it does beside them but refusing: who is told when to come
 * back comes when there is nobody to refuse. Taken from full moments alone: what a process does at rest is
 * not done for filings.
 */

/** Longer than most commits take: those of one group are accepted in the same instant. */
const momentMs = 1_000
/** A moment in which fewer were accepted was not full. */
const enoughFilings = 100
/** Of what a moment counts, so much is left after the next full one. */
const remembered = 0.5
/** A full moment tells nothing of what the process brings so long after it. */
const remembersMs = 10_000

export class ProcessRate {
  readonly #activeMs: () => number
  #began = 0
  #activeBegan = 0
  #accepted = 0
  #refusingMs = 0
  /** Sums over the full moments of late. */
  #filings = 0
  #workedMs = 0
  #foundAt = Number.NEGATIVE_INFINITY

  /** @param activeMs how long the event loop has worked */
  constructor(activeMs = () => performance.eventLoopUtilization().active) {
    this.#activeMs = activeMs
  }

  /** Filings in a second; infinite where no moment was full of late. */
  perSecondAt(now: number): number {
    if (now - this.#foundAt >= remembersMs) return Number.POSITIVE_INFINITY
    return (1_000 * this.#filings) / Math.max(1, this.#workedMs)
  }

  /** So long the event loop worked on a request that was refused. */
  refuse(ms: number): void {
    this.#refusingMs += ms
  }

  /** A filing was accepted. */
  accept(now: number): void {
    this.#accepted += 1
    if (now - this.#began < momentMs) return
    const active = this.#activeMs() - this.#refusingMs
    const isOneMoment = now - this.#began < 2 * momentMs // else hours may lie in it
    if (isOneMoment && this.#accepted >= enoughFilings) {
      const before = now - this.#foundAt < remembersMs ? remembered : 0
      this.#filings = before * this.#filings + this.#accepted
      this.#workedMs = before * this.#workedMs + active - this.#activeBegan
      this.#foundAt = now
    }
    this.#began = now
    this.#activeBegan = active
    this.#accepted = 0
  }
}
