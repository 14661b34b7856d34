import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatFen, readYuan } from '../../src/declaration/money.ts'
import {
  addDays,
  dayOf,
  formatInstant,
  instantMicros,
  isDay,
  isWeekend,
} from '../../src/declaration/period.ts'
import { wagePattern } from '../../src/declaration/schema.ts'

test('fen survive the way to yuan and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (fen) => {
      expect(readYuan(formatFen(fen))).toBe(fen)
    }),
  )
})

test.each([
  ['6500', 650_000],
  ['6500.5', 650_050],
  ['6500.05', 650_005],
  ['0', 0],
  ['0.1', 10],
  ['999999999.99', 99_999_999_999],
])('%s yuan are %i fen', (yuan, fen) => expect(readYuan(yuan)).toBe(fen))

test('an amount that is no whole number of fen is refused', () => {
  for (const fen of [0.5, Number.NaN, 2 ** 53]) expect(() => formatFen(fen)).toThrow(RangeError)
})

test('what is no amount in yuan is -1, exactly where the schema refuses it', () => {
  const pattern = new RegExp(wagePattern)
  const near = fc.stringMatching(/^[0-9.,+eE -]{0,14}$/)
  fc.assert(
    fc.property(fc.oneof(near, fc.string()), (text) => {
      expect(readYuan(text) >= 0).toBe(pattern.test(text))
    }),
    { numRuns: 5_000 },
  )
  for (const value of [undefined, null, 6500, {}]) expect(readYuan(value)).toBe(-1)
})

test('a day ends at 24:00 in Shanghai, also on New Year’s Eve', () => {
  expect(formatInstant(instantMicros('2024-11-30', '24:00'))).toBe(
    '2024-12-01T00:00:00.000000+08:00',
  )
  expect(formatInstant(instantMicros('2024-12-31', '24:00'))).toBe(
    '2025-01-01T00:00:00.000000+08:00',
  )
  expect(dayOf(instantMicros('2024-02-29', '24:00') - 1)).toBe('2024-02-29')
  expect(addDays('2024-02-28', 2)).toBe('2024-03-01')
  expect(['2024-11-22', '2024-11-23', '2024-11-24', '2024-11-25'].map(isWeekend)).toEqual([
    false,
    true,
    true,
    false,
  ])
  expect(['2024-02-29', '2023-02-29', '2024-13-01', '2024-1-1'].map(isDay)).toEqual([
    true,
    false,
    false,
    false,
  ])
})

test('an instant shows its microseconds and is the same instant for others', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (micros) => {
      const text = formatInstant(micros)
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+08:00$/)
      expect(Date.parse(text)).toBe(Math.floor(micros / 1_000))
      expect(Number(text.slice(20, 26))).toBe(micros % 1_000_000)
    }),
  )
})
