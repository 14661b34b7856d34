/**
 * What became of the filings of a day, by the second in which each was due. Generators count, and tell
 * each second what has changed; the runner adds it all up.
 */
import { type Counted, Latencies } from '../support/latencies.ts'

export const counters = [
  'offered',
  'accepted',
  'refused',
  'returned',
  'failed',
  'statusReads',
  'retries',
  'corrections',
  /** Sent later than the generator should have. */
  'late',
  'sent',
] as const
export type Counter = (typeof counters)[number]

type Counts = Record<Counter, number>

/** What was added to a second since it was told last. */
export type SecondAdded = {
  readonly second: number
  readonly counts: Partial<Counts>
  /** Of accepted filings, from when they were due. */
  readonly accepted: Counted
}

export class Tally {
  readonly #seconds = new Map<number, { counts: Counts; accepted: Latencies }>()
  /** Why filings failed, or reads did. */
  readonly failures = new Map<string, number>()

  count(second: number, counter: Counter, times = 1): void {
    this.#at(second).counts[counter] += times
  }

  accept(second: number, ms: number): void {
    this.count(second, 'accepted')
    this.#at(second).accepted.add(ms)
  }

  fail(why: string, times = 1): void {
    this.failures.set(why, (this.failures.get(why) ?? 0) + times)
  }

  add({ second, counts, accepted }: SecondAdded): void {
    for (const counter of counters) this.count(second, counter, counts[counter] ?? 0)
    this.#at(second).accepted.merge(accepted)
  }

  /** Hands out what was counted since, and forgets it. */
  take(): { readonly seconds: SecondAdded[]; readonly failures: [string, number][] } {
    const seconds = [...this.#seconds].map(([second, { counts, accepted }]) => ({
      second,
      counts,
      accepted: accepted.counted(),
    }))
    const failures = [...this.failures]
    this.#seconds.clear()
    this.failures.clear()
    return { seconds, failures }
  }

  of(second: number, counter: Counter): number {
    return this.#seconds.get(second)?.counts[counter] ?? 0
  }

  total(counter: Counter): number {
    let sum = 0
    for (const { counts } of this.#seconds.values()) sum += counts[counter]
    return sum
  }

  /** Of accepted filings due in these seconds. */
  latencies(from: number, to: number): Latencies {
    const all = new Latencies()
    for (let second = from; second < to; second += 1) {
      all.merge(this.#seconds.get(second)?.accepted.counted() ?? [])
    }
    return all
  }

  /** The last second in which something was due, and one more. */
  get length(): number {
    return Math.max(0, ...this.#seconds.keys()) + 1
  }

  #at(second: number) {
    let found = this.#seconds.get(second)
    if (found === undefined) {
      const counts = Object.fromEntries(counters.map((name) => [name, 0])) as Counts
      found = { counts, accepted: new Latencies() }
      this.#seconds.set(second, found)
    }
    return found
  }
}
