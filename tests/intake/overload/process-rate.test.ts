/** What a process brings is taken from its full moments, and only for a while. */
import { expect, test } from 'vitest'
import { ProcessRate } from '../../../src/intake/overload/process-rate.ts'

/** A process whose event loop works for half of the time. */
function halfBusy() {
  let activeMs = 0
  const rate = new ProcessRate(() => activeMs)
  return {
    rate,
    /** So many filings are accepted, evenly, in so many milliseconds. */
    accept: (filings: number, from: number, forMs: number) => {
      for (let i = 1; i <= filings; i += 1) {
        activeMs = (from + (forMs * i) / filings) / 2
        rate.accept(from + (forMs * i) / filings)
      }
    },
  }
}

test('a full moment tells filings in a second of work; one at rest tells nothing', () => {
  const { rate, accept } = halfBusy()
  accept(90, 0, 5_000)
  expect(rate.perSecondAt(5_000)).toBe(Number.POSITIVE_INFINITY)
  accept(400, 5_000, 1_000)
  expect(rate.perSecondAt(6_000)).toBeGreaterThan(700)
  expect(rate.perSecondAt(6_000)).toBeLessThan(900)
})

test('those of one group, accepted in the same instant, make no moment of their own', () => {
  let activeMs = 0
  const rate = new ProcessRate(() => activeMs)
  for (let group = 1; group <= 10; group += 1) {
    activeMs += 250
    for (let i = 0; i < 200; i += 1) rate.accept(group * 500)
  }
  expect(rate.perSecondAt(5_000)).toBeCloseTo(800, -2)
})

test('what a process does for those whom it refuses is not done for filings', () => {
  let activeMs = 0
  const rate = new ProcessRate(() => activeMs)
  for (let i = 1; i <= 900; i += 1) {
    activeMs += 10 / 3
    rate.refuse(7 / 3)
    rate.accept((i * 10) / 3)
  }
  expect(rate.perSecondAt(3_000)).toBeCloseTo(1_000, -2)
})

test('what a process does in a pause is not done for the filings before and after it', () => {
  let activeMs = 0
  const rate = new ProcessRate(() => activeMs)
  const accept = (filings: number, from: number) => {
    for (let i = 1; i <= filings; i += 1) {
      activeMs += 0.5
      rate.accept(from + i)
    }
  }
  accept(900, 0)
  activeMs += 360_000 // an hour of look-ups
  accept(2_000, 3_600_000)
  expect(rate.perSecondAt(3_602_000)).toBeCloseTo(2_000, -2)
})

test('what a process brought is forgotten after seconds', () => {
  const { rate, accept } = halfBusy()
  accept(400, 0, 1_000)
  expect(rate.perSecondAt(5_000)).toBeLessThan(1_000)
  expect(rate.perSecondAt(15_000)).toBe(Number.POSITIVE_INFINITY)
})
