/** Who is refused is told when there is room for it: no second too full, none empty. */
import { expect, test } from 'vitest'
import { TurnedAway } from '../../../src/intake/overload/turned-away.ts'
import {
  retrySecondsMax,
  turnedAwayMax,
  turnedAwayOfOneMax,
  unknownRetrySecondsMax,
} from '../../../src/limits.ts'

const inTurn = () => new TurnedAway(() => 0)
const countOf = (told: readonly number[], second: number) =>
  told.filter((seconds) => seconds === second).length

test('who is refused at once has the seconds one after another, each filled by as many as can be let in', () => {
  const away = inTurn()
  const told = Array.from({ length: 3_000 }, (_, i) => away.tell(0.9, 500, 0, `${i}`))
  expect(told[0]).toBe(1)
  expect(told.at(-1)).toBe(5)
  for (const second of [1, 2, 3, 4]) expect(countOf(told, second)).toBe(600)
})

test('after all that wait inside, in whole seconds', () => {
  expect(inTurn().tell(0, 500, 0, 'one')).toBe(1)
  expect(inTurn().tell(1.9, 500, 0, 'one')).toBe(1)
  expect(inTurn().tell(7.2, 500, 0, 'one')).toBe(7)
  expect(inTurn().tell(10_000, 0.1, 0, 'one')).toBe(retrySecondsMax)
})

test('one filing has one place, however often it comes; who comes back gives it free', () => {
  const away = inTurn()
  for (let i = 0; i < 1_000; i += 1) away.tell(0, 10, i, 'impatient')
  expect(away.tell(0, 10, 999, 'other')).toBe(1)
  for (let i = 0; i < 10; i += 1) away.tell(0, 10, 999, `${i}`)
  expect(away.tell(0, 10, 999, 'late')).toBe(2)
  away.cameBack('other')
  expect(away.tell(0, 10, 999, 'next')).toBe(1)
})

test('a second that has passed is forgotten, with those who did not come in it', () => {
  const away = inTurn()
  for (let i = 0; i < 100; i += 1) away.tell(0, 10, 0, `${i}`)
  expect(away.tell(0, 10, 0, 'before')).toBe(9)
  expect(away.tell(0, 10, 60_000, 'after')).toBe(1)
  away.cameBack('5') // long after its time: nothing is counted twice
  const told = Array.from({ length: 24 }, (_, i) => away.tell(0, 10, 60_000, `again-${i}`))
  expect(countOf(told, 1)).toBe(11)
  expect(countOf(told, 2)).toBe(12)
})

test('who is not known has a line of some seconds, which nobody else waits for', () => {
  const away = inTurn()
  const told = Array.from({ length: 10_000 }, () => away.tell(0, 10, 0))
  expect(countOf(told, 1)).toBe(12)
  expect(countOf(told, 2)).toBe(12)
  expect(Math.max(...told)).toBe(unknownRetrySecondsMax)
  expect(away.tell(0, 10, 0, 'known')).toBe(1)
})

test('one filer holds no more of the line than its places, however many keys it sends', () => {
  const away = inTurn()
  const told = Array.from({ length: 20_000 }, (_, i) => away.tell(0, 100, 0, `flooder\n${i}`))
  // Its own come back one after another all the same.
  expect(countOf(told, 1)).toBe(120)
  expect(countOf(told, 60)).toBe(120)
  expect(told.at(-1)).toBe(retrySecondsMax)
  expect(away.tell(0, 100, 0, 'other\n1')).toBe(Math.ceil(turnedAwayOfOneMax / 120))
  const others = Array.from({ length: 300 }, (_, i) => away.tell(0, 100, 0, `filer-${i}\n1`))
  expect(Math.max(...others)).toBeLessThanOrEqual(Math.ceil(turnedAwayOfOneMax / 120) + 3)
  // A place that it gives back is another's of its own.
  for (let i = 0; i < turnedAwayOfOneMax; i += 1) away.cameBack(`flooder\n${i}`)
  expect(away.tell(0, 100, 0, 'late\n1')).toBe(1)
  expect(away.tell(0, 100, 0, 'flooder\nagain')).toBe(1)
})

test('those who have no place, as there are too many, come back at any time', () => {
  let chance = 0
  const away = new TurnedAway(() => {
    chance = (chance + 0.37) % 1
    return chance
  })
  for (let i = 0; i < turnedAwayMax; i += 1) away.tell(0, 1_000, 0, `${i}`)
  const told = Array.from({ length: 1_000 }, (_, i) => away.tell(0, 1_000, 0, `more-${i}`))
  expect(new Set(told).size).toBeGreaterThan(20)
  expect(away.tell(0, 1_000, 130_000, 'later')).toBe(1)
})

test('one that is expected late keeps nobody who did not come', () => {
  const away = inTurn()
  away.tell(100, 1_000, 0, 'late')
  for (let i = 1; i < turnedAwayMax; i += 1) away.tell(0, 1_000, 0, `${i}`)
  const told = Array.from({ length: 3_600 }, (_, i) => away.tell(0, 1_000, 60_000, `new-${i}`))
  expect(told.at(-1)).toBe(3)
})

test('those of one moment come back apart, in proportion to how long they wait', () => {
  let chance = 0
  const away = new TurnedAway(() => {
    chance = (chance + 0.37) % 1
    return chance
  })
  const told = Array.from({ length: 100 }, (_, i) => away.tell(60, 1_000, 0, `${i}`))
  expect(Math.min(...told)).toBeGreaterThanOrEqual(60)
  expect(Math.max(...told)).toBeLessThanOrEqual(66)
  expect(new Set(told).size).toBeGreaterThan(4)
})
