import { afterEach, expect, test, vi } from 'vitest'
import { warnSeldom } from '../../src/platform/process/warn-seldom.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('the first is told at once, those of a while in one, with their number', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const told: object[] = []
  const warn = warnSeldom(
    { warn: (fields: object) => void told.push(fields) } as never,
    'left',
    1_000,
  )
  for (let i = 0; i < 5; i += 1) warn({ i })
  expect(told).toEqual([{ i: 0, times: 1 }])
  vi.advanceTimersByTime(1_000)
  warn({ i: 5 })
  warn({ i: 6 })
  expect(told).toEqual([
    { i: 0, times: 1 },
    { i: 5, times: 5 },
  ])
})
