import { expect, test } from 'vitest'
import { readPacks, shippedPacks } from '../../src/platform/config/packs.ts'
import { assumptionsIn } from '../../src/policy/assumptions.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'

test('what a pack assumes is named for the months in which it does', () => {
  const pack = readPacks(shippedPacks).find(({ region }) => region.code === '340100') as PolicyPack
  const in2024 = assumptionsIn(pack, '2024-11')
  expect(in2024).toEqual(
    expect.arrayContaining(['calendar/deadlines', 'rounding', 'flexible/medical']),
  )
  expect(in2024).not.toContain('platform/tariffs/ride-hailing')
  const in2026 = assumptionsIn(pack, '2026-11')
  expect(in2026).toContain('platform/tariffs/ride-hailing')
  expect(in2026.some((key) => key.startsWith('limits'))).toBe(true)
  expect(new Set(in2026).size).toBe(in2026.length)
  const confirmed = pack.calendar.deadlines.map((row) => ({ ...row, status: 'final' as const }))
  const known = { ...pack, calendar: { ...pack.calendar, deadlines: confirmed } }
  expect(assumptionsIn(known, '2026-11')).not.toContain('calendar/deadlines')
})
