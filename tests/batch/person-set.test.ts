/**
 * Persons of a large declaration: each is found by all digits of its number, with the row in which it
 * came.
 */
import { expect, test } from 'vitest'
import { PersonSet } from '../../src/batch/steps/person-set.ts'
import { fileRowsMax } from '../../src/limits.ts'

test('a person is found in the row where it came first, among all that tables hold', () => {
  const persons = new PersonSet()
  const before = new Map<number, number>()
  // Realistic areas, days and numbers: neighbours, some of them twice.
  for (let row = 0; row < 200_000; row += 1) {
    const place = 110_101 + ((row * 31) % 7) * 10_000
    const key = (place * 200_000 + 20_000 + ((row * 7) % 97)) * 1_000 + ((row * 13) % 101)
    expect(persons.add(key, row)).toBe(before.get(key))
    if (!before.has(key)) before.set(key, row)
  }
  expect(before.size).toBeLessThan(200_000)
})

test('persons that differ in any byte of their number are told apart, in the first row and in the last', () => {
  const persons = new PersonSet()
  const person = (340_111 * 200_000 + 25_000) * 1_000 + 707
  const keys = new Set([person])
  for (const byte of [1, 2 ** 8, 2 ** 16, 2 ** 24, 2 ** 32, 2 ** 40]) {
    const others = person - (Math.floor(person / byte) % 256) * byte
    for (let value = 0; value < 256; value += 1) keys.add(others + value * byte)
  }
  const added = [...keys].map((key, i) => [key, i % 2 === 0 ? i : fileRowsMax - i] as const)
  for (const [key, row] of added) expect(persons.add(key, row)).toBeUndefined()
  for (const [key, row] of added) expect(persons.add(key, 5)).toBe(row)
})
