import { expect, test } from 'vitest'
import { formatInstant } from '../../src/declaration/period.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'
import { hefei, madeUp, policiesOf, rulesIn } from '../support/packs.ts'

const policies = policiesOf(hefei, madeUp)

test('a period without published values is provisional and says what stands in', () => {
  expect(rulesIn(hefei, '2024-11').provisionalReasons).toEqual([])
  const limits = {
    'zh-CN': '缴费基数上下限：该期未核实，暂用 2024-01 至 2024-12 的标准',
    en: 'limits: 2024-01 to 2024-12, standing in, as this period is not verified',
  }
  expect(rulesIn(hefei, '2025-03').provisionalReasons).toEqual([limits])
  const rules = rulesIn(hefei, '2026-11')
  expect(rules.floorsFen).toEqual([422_700, 422_700, 422_700, 422_700])
  expect(rules.provisionalReasons).toEqual([
    limits,
    {
      'zh-CN': '失业保险费率：该期未核实，暂用 2023-05 至 2025-12 的标准',
      en: 'rates/unemployment: 2023-05 to 2025-12, standing in, as this period is not verified',
    },
  ])
  expect(rules.reasonsOf(new Set(['platform/tariffs/ride-hailing']))).toEqual([
    { 'zh-CN': '每单缴费标准：暂定', en: 'platform/tariffs: provisional' },
  ])
  expect(rulesIn(hefei, '2022-05').floorsFen[0]).toBe(342_911)
})

test('regions and periods without a policy are told apart', () => {
  expect(policies.rulesFor('110000', '2024-11')).toEqual({
    kind: 'unknownRegion',
    regions: ['340100', '999000'],
  })
  expect(policies.rulesFor('340100', '2019-07')).toEqual({ kind: 'beforePack', first: '2019-08' })
})

test('a gap that is filled with nothing refuses the period, and says why', () => {
  const note = { 'zh-CN': '未公布', en: 'Not published.' }
  const pack: PolicyPack = {
    ...madeUp,
    limits: madeUp.limits.map((row) => ({ ...row, to: '2024-12' })),
    gaps: [{ key: 'limits', from: '2025-01', fill: 'none', note }],
  }
  expect(policiesOf(pack).rulesFor('999000', '2025-01')).toEqual({ kind: 'notCovered', note })
})

test('the deadline is the end of the named day, in Shanghai', () => {
  const { deadlineMicros } = rulesIn(hefei, '2024-11')
  expect(formatInstant(deadlineMicros)).toBe('2024-12-01T00:00:00.000000+08:00')
  expect(deadlineMicros).toBe(Date.UTC(2024, 10, 30, 16) * 1_000)
})

test('a deadline moves off weekends and holidays, replacements close before it', () => {
  // 2024-12-15 is a Sunday, the 16th a holiday here.
  const { deadlineMicros, replacementsCloseMicros = 0 } = rulesIn(madeUp, '2024-11')
  expect(formatInstant(deadlineMicros)).toBe('2024-12-17T17:00:00.000000+08:00')
  expect(formatInstant(replacementsCloseMicros)).toBe('2024-12-14T12:00:00.000000+08:00')
})

test('the hash is of the content: the same pack has the same, any change another', () => {
  const hash = (pack: PolicyPack) => policiesOf(pack).current.get(pack.region.code)?.hash
  expect(hash(structuredClone(hefei))).toBe(hash(hefei))
  const changed = structuredClone(hefei)
  ;(changed.limits[0] as { floor: string }).floor = '3017.02'
  expect(hash(changed)).not.toBe(hash(hefei))
})

test('rules of an older pack are found by its hash, once it is remembered', () => {
  const older = policiesOf({ ...madeUp, gaps: [] })
  const newer = policiesOf({ ...madeUp, flat: [] })
  const known = older.current.get('999000')
  if (known === undefined) throw new Error('no pack')
  expect(newer.rulesOf(known.hash, '2024-11')).toBeUndefined()
  newer.remember(known)
  expect(newer.rulesOf(known.hash, '2024-11')).toMatchObject({ hash: known.hash })
  expect(newer.rulesFor('999000', '2024-11')).toMatchObject({
    hash: newer.current.get('999000')?.hash,
  })
})
