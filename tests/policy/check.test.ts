import { expect, test } from 'vitest'
import { formatInstant } from '../../src/declaration/period.ts'
import { sha256Hex } from '../../src/journal/digest.ts'
import { checkPolicy } from '../../src/policy/check.ts'
import { packs } from '../../src/policy/packs.ts'
import { createPolicies } from '../../src/policy/rules.ts'

const policies = createPolicies({ packs, sha256Hex })
const closing = createPolicies({
  packs: packs.map((pack) => ({ ...pack, calendar: { ...pack.calendar, refuseLate: true } })),
  sha256Hex,
})
const november = { region: '340100', period: '2024-11' }
/** 2024-12-01T00:00:00+08:00 in microseconds. */
const deadlineMicros = Date.UTC(2024, 10, 30, 16) * 1_000

test('filing is due by 24:00 of the last day of the period, in Shanghai', () => {
  expect(checkPolicy(november, policies, 0).rules?.deadlineMicros).toBe(deadlineMicros)
  expect(formatInstant(deadlineMicros)).toBe('2024-12-01T00:00:00.000000+08:00')
})

test('a late filing is accepted', () => {
  expect(checkPolicy(november, policies, deadlineMicros + 1).finding).toBeUndefined()
})

test('a pack may refuse late filings: the last microsecond is in time, the deadline is not', () => {
  expect(checkPolicy(november, closing, deadlineMicros - 1).finding).toBeUndefined()
  expect(checkPolicy(november, closing, deadlineMicros).finding).toMatchObject({
    pointer: '/period',
    code: 'PERIOD_CLOSED',
    severity: 'error',
  })
})

test('an unknown region is told with those served, a period too early with the first', () => {
  const unknown = checkPolicy({ ...november, region: '110000' }, policies, 0).finding
  expect(unknown).toMatchObject({ pointer: '/region', code: 'REGION_UNKNOWN' })
  expect(unknown?.message.en).toContain('340100')
  const early = checkPolicy({ ...november, period: '2019-07' }, policies, 0).finding
  expect(early).toMatchObject({ pointer: '/period', code: 'PERIOD_BEFORE_PACK' })
  expect(early?.message.en).toContain('2019-08')
})
