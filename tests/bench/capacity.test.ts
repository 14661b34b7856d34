import { expect, test } from 'vitest'
import {
  type Cost,
  coresFor,
  costOf,
  fitCosts,
  groupsAt,
  type Shape,
} from '../../bench/model/capacity.ts'

const cost: Cost = { declaration: 40, line: 3, group: 900, read: 0 }
const measured = (shape: Omit<Shape, 'reads'>) => {
  const micros = costOf(cost, { ...shape, reads: 0 })
  return { ...shape, micros: { intake: micros, worker: micros, postgres: micros, redis: micros } }
}
const read = { intake: 50, worker: 0, postgres: 20, redis: 0 }
const small = measured({ lines: 2, groups: 0.01 })
const large = measured({ lines: 40, groups: 0.01 })
const slow = measured({ lines: 2, groups: 0.5 })

test('what a declaration, a line and a group cost is found again from measurements', () => {
  const { intake } = fitCosts(small, large, slow, read)
  expect(intake.declaration).toBeCloseTo(40)
  expect(intake.line).toBeCloseTo(3)
  expect(intake.group).toBeCloseTo(900)
})

test('a cost that noise makes negative counts as nothing, and is not taken off the others', () => {
  const { worker } = fitCosts(
    small,
    { ...small, lines: 40 },
    { ...slow, micros: small.micros },
    read,
  )
  expect(worker).toEqual({ declaration: small.micros.worker, line: 0, group: 0, read: 0 })
})

test('twice the peak needs twice the cores, and groups make it cheaper', () => {
  const costs = fitCosts(small, large, slow, read)
  const demand = { perSecond: 1_000, lines: 13, groups: 0.01, reads: 0, share: 0.5 }
  const { intake } = coresFor(costs, demand)
  expect(intake).toBeCloseTo((1_000 * (40 + 39 + 9)) / 1e6 / 0.5)
  expect(coresFor(costs, { ...demand, perSecond: 2_000 }).intake).toBeCloseTo(2 * intake)
  expect(coresFor(costs, { ...demand, groups: 0.5 }).intake).toBeGreaterThan(4 * intake)
  const { intake: looked } = coresFor(costs, { ...demand, reads: 15 })
  expect(looked - intake).toBeCloseTo((1_000 * 15 * 50) / 1e6 / 0.5)
})

test('few declarations travel alone, many together, and an intake more makes groups smaller again', () => {
  const costs = fitCosts(small, large, slow, read)
  const calibrated = { costs, groupsPerSecond: 100, groupsLeast: 0.01 }
  const at = (perSecond: number) => groupsAt(calibrated, { perSecond, lines: 2, share: 0.6 })
  expect(at(8)).toBe(1)
  expect(at(100)).toBe(1)
  expect(at(1_000)).toBeCloseTo(0.1)
  // At 55 µs each and 0.6 of a core, an intake takes 10,909 a second: 50,000 are for five of them.
  expect(at(10_000)).toBeCloseTo(0.01)
  expect(at(50_000)).toBeCloseTo(0.01)
  expect(at(11_000)).toBeCloseTo(2 * (100 / 11_000))
})
