import { expect, test } from 'vitest'
import { daysInMonth, instantMicros, isPeriod } from '../../src/declaration/period.ts'

test('only a real month is a period', () => {
  expect(isPeriod('2024-02')).toBe(true)
  for (const text of ['2024-00', '2024-13', '2024-1', '202411', '0999-01', '2024-11\n', 202411]) {
    expect(isPeriod(text)).toBe(false)
  }
  expect(() => instantMicros('2300-01-01', '00:00')).toThrow(RangeError)
})

test('February follows the Gregorian calendar', () => {
  expect([1900, 2000, 2023, 2024].map((year) => daysInMonth(year, 2))).toEqual([28, 29, 28, 29])
})
