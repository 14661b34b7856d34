import { expect, test } from 'vitest'
import {
  comparePeriods,
  currentPeriod,
  isPeriod,
  lastDayOfPeriod,
  parsePeriod,
} from '../../src/declaration/period.ts'

test('only a real month is a period', () => {
  expect(parsePeriod('2024-02')).toEqual({ year: 2024, month: 2 })
  for (const text of ['2024-00', '2024-13', '2024-1', '202411', '0999-01', '2024-11\n', 202411]) {
    expect(isPeriod(text)).toBe(false)
  }
  expect(() => parsePeriod('2024-13')).toThrow(RangeError)
})

test('the last day of February follows the Gregorian calendar', () => {
  expect(
    ['1900-02', '2000-02', '2023-02', '2024-02', '2024-11', '2024-12'].map(lastDayOfPeriod),
  ).toEqual(['1900-02-28', '2000-02-29', '2023-02-28', '2024-02-29', '2024-11-30', '2024-12-31'])
})

test('a month begins at midnight in Shanghai, eight hours before it does in UTC', () => {
  const midnightMs = Date.UTC(2024, 10, 30, 16)
  expect(currentPeriod(midnightMs - 1)).toBe('2024-11')
  expect(currentPeriod(midnightMs)).toBe('2024-12')
  expect(comparePeriods('2024-12', '2024-11')).toBeGreaterThan(0)
  expect(comparePeriods('2024-12', '2024-12')).toBe(0)
})
