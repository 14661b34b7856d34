import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatFen, parseYuan } from '../../src/declaration/money.ts'
import { dayOf, endOfPeriodMicros, formatInstant } from '../../src/declaration/period.ts'

test('fen survive the way to yuan and back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (fen) => {
      expect(parseYuan(formatFen(fen))).toBe(fen)
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
])('%s yuan are %i fen', (yuan, fen) => expect(parseYuan(yuan)).toBe(fen))

test('an amount that is no whole number of fen is refused', () => {
  for (const fen of [0.5, Number.NaN, 2 ** 53]) expect(() => formatFen(fen)).toThrow(RangeError)
})

test('a period ends at 24:00 in Shanghai, also in December', () => {
  expect(formatInstant(endOfPeriodMicros('2024-11'))).toBe('2024-12-01T00:00:00.000000+08:00')
  expect(formatInstant(endOfPeriodMicros('2024-12'))).toBe('2025-01-01T00:00:00.000000+08:00')
  expect(dayOf(endOfPeriodMicros('2024-02') - 1)).toBe('2024-02-29')
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
