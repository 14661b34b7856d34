/** The limit on filings under way is found from how long they take, on a simulated journal. */
import { expect, test } from 'vitest'
import { FilingLimit } from '../../src/intake/filing-limit.ts'
import { answerGain, answerTargetMsMin, burstFilings } from '../../src/limits.ts'

type Journal = {
  /** A commit takes so long, and so much more for each filing in it. */
  readonly commitMs: number
  readonly filingMs: number
}
type Seen = { accepted: number; refused: number; msSum: number }

/** Filings come evenly to a journal that commits one group at a time; time is simulated. */
class Simulation {
  readonly limit = new FilingLimit()
  #now = 0
  #doneAt = 0
  #waiting: { at: number; leave: ReturnType<FilingLimit['enter']> }[] = []
  #committing = this.#waiting

  run(journal: Journal, perSecond: number, forMs: number): Seen {
    const seen: Seen = { accepted: 0, refused: 0, msSum: 0 }
    let credit = 0
    for (const until = this.#now + forMs; this.#now < until; this.#now += 1) {
      for (credit += perSecond / 1_000; credit >= 1; credit -= 1) this.#arrive(seen)
      if (this.#now >= this.#doneAt) this.#commit(journal, seen)
    }
    return seen
  }

  #arrive(seen: Seen): void {
    if (this.limit.underWay < this.limit.limit) {
      this.#waiting.push({ at: this.#now, leave: this.limit.enter() })
      return
    }
    this.limit.refuse()
    seen.refused += 1
  }

  #commit({ commitMs, filingMs }: Journal, seen: Seen): void {
    for (const { at, leave } of this.#committing) {
      leave(at, this.#now, true)
      seen.accepted += 1
      seen.msSum += this.#now - at
    }
    this.#committing = this.#waiting
    this.#waiting = []
    const size = this.#committing.length
    if (size > 0) this.limit.observeCommit(size, commitMs + filingMs * size, this.#now)
    this.#doneAt = this.#now + (size === 0 ? 0 : commitMs + filingMs * size)
  }
}

const slow: Journal = { commitMs: 20, filingMs: 1 }

test('under five times what the journal takes, it accepts nearly as much as at the most, in time', () => {
  const simulation = new Simulation()
  simulation.run(slow, 100, 5_000)
  const results = [1.5, 2, 3, 5].map((times) => {
    simulation.run(slow, 800 * times, 4_000)
    return simulation.run(slow, 800 * times, 10_000)
  })
  const most = Math.max(...results.map(({ accepted }) => accepted))
  for (const { accepted, msSum, refused } of results) {
    expect(accepted / most).toBeGreaterThan(0.95)
    expect(msSum / accepted).toBeLessThan(1.3 * simulation.limit.targetMs)
    expect(refused).toBeGreaterThan(0)
  }
})

test('a slow disk is no overload: what an answer takes at rest decides what is slow', () => {
  const simulation = new Simulation()
  expect(simulation.limit.targetMs).toBe(answerTargetMsMin)
  const { refused } = simulation.run({ commitMs: 80, filingMs: 0.1 }, 50, 20_000)
  expect(simulation.limit.targetMs).toBeGreaterThan(answerGain * 80)
  expect(refused).toBe(0)
})

test('a burst on an idle system is let in, however long its answers take', () => {
  const simulation = new Simulation()
  const busy: Journal = { commitMs: 90, filingMs: 0.5 }
  simulation.run({ commitMs: 5, filingMs: 0 }, 20, 5_000)
  for (let burst = 0; burst < 5; burst += 1) {
    expect(simulation.run(busy, (0.9 * burstFilings) / 0.4, 400).refused).toBe(0)
    simulation.run(busy, 0, 1_000)
  }
  expect(simulation.limit.underWay).toBe(0)
})

test('a burst that can be committed in time is let in', () => {
  const simulation = new Simulation()
  simulation.run(slow, 20, 5_000)
  expect(simulation.run(slow, 500, 100).refused).toBe(0)
})

test('when the journal gets slower by ten times, the limit follows; and back again', () => {
  const simulation = new Simulation()
  const { limit } = simulation
  simulation.run(slow, 100, 5_000)
  simulation.run(slow, 2_000, 5_000)
  const before = limit.limit
  simulation.run({ commitMs: 20, filingMs: 10 }, 2_000, 5_000)
  expect(limit.limit).toBeLessThan(0.6 * before)
  simulation.run(slow, 2_000, 15_000)
  expect(limit.limit).toBeGreaterThan(before / 2)
  simulation.run(slow, 100, 10_000)
  expect(limit.limit).toBeGreaterThan(before)
})
