/** A reassessment never takes away what a later pack merely lacks: it is told, and nothing changes. */
import { describe, expect, test } from 'vitest'
import type { Declaration, FlexibleLine } from '../../src/declaration/schema.ts'
import { differenceOf } from '../../src/policy/difference.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'
import { stillOffered } from '../../src/policy/still-offered.ts'
import { declare } from '../support/journal.ts'
import { hefei, madeUp, rulesIn } from '../support/packs.ts'

type Chosen = Pick<FlexibleLine, 'tier' | 'base' | 'medical'>

function flexible(period: string, chosen: Chosen, more: Partial<Declaration> = {}): Declaration {
  const declaration = declare({ period, lines: 1 }, more)
  const [line] = declaration.lines ?? []
  if (line === undefined) throw new Error('no line')
  const { person } = line
  return {
    ...declaration,
    lines: [{ person, category: 'flexible', change: 'none', ...chosen }],
  }
}

const offered = hefei.flexible as NonNullable<PolicyPack['flexible']>
const [tiers, anyBase] = offered.pensionBases
if (tiers === undefined || anyBase === undefined) throw new Error('the pack has two rows')

const withFlexible = (changed: Partial<typeof offered>): PolicyPack => {
  return { ...hefei, flexible: { ...offered, ...changed } }
}

const withFloor = (floor: string): PolicyPack => {
  const limits = hefei.limits.map((row) => (row.from === '2024-01' ? { ...row, floor } : row))
  return { ...hefei, limits }
}

/** Without its unit base the made-up pack has no need of one. */
const { bases: _, ...withoutUnitBase } = madeUp

describe('what the later pack lacks', () => {
  const tier = flexible('2020-03', { tier: '100', medical: 'none' })
  const base = flexible('2024-03', { base: '5000', medical: 'with-account' })
  test.each<[string, Declaration, PolicyPack, PolicyPack]>([
    [
      'the tier',
      tier,
      hefei,
      withFlexible({
        pensionBases: [{ ...tiers, tiers: (tiers.tiers ?? []).slice(0, 1) }, anyBase],
      }),
    ],
    [
      'all tiers, for any base within the limits',
      tier,
      hefei,
      withFlexible({ pensionBases: [{ ...anyBase, from: '2019-08', to: '2020-06' }, anyBase] }),
    ],
    [
      'the medical row, which begins later',
      base,
      hefei,
      withFlexible({
        medical: (offered.medical ?? []).map((row) => ({ ...row, from: '2024-07' })),
      }),
    ],
    ['all of flexible workers', base, hefei, { ...hefei, flexible: undefined } as never],
    [
      'the tariff',
      declare({ period: '2024-11', lines: 1 }, {
        lines: [
          {
            person: flexible('2024-11', { base: '5000', medical: 'none' }).lines?.[0]?.person,
            category: 'platform',
            days: [{ date: '2024-11-01', service: 'ride', orders: 3 }],
          },
        ],
      } as never),
      withoutUnitBase,
      { ...withoutUnitBase, platform: { tariffs: madeUp.platform?.tariffs.slice(1) ?? [] } },
    ],
    [
      'a base for the unit that nobody declared',
      declare({ period: '2024-11', lines: 1 }),
      withoutUnitBase,
      madeUp,
    ],
  ])('%s: RangeError, never zero', (_, declaration, before, after) => {
    const { period } = declaration
    const rules = [rulesIn(before, period), rulesIn(after, period)] as const
    expect(stillOffered(declaration, rules[0])).toBe(true)
    expect(() => differenceOf(declaration, ...rules)).toThrow(RangeError)
  })
})

describe('a filing that the later pack would refuse is not reassessed', () => {
  test.each<[string, Declaration, PolicyPack]>([
    [
      'a chosen base below the new floor',
      flexible('2024-03', { base: '4227', medical: 'none' }),
      withFloor('4494'),
    ],
    [
      'a base where there are tiers now',
      flexible('2024-03', { base: '5000', medical: 'none' }),
      withFlexible({ pensionBases: [{ ...tiers, from: '2024-01', to: '2024-12' }] }),
    ],
  ])('%s', (_, declaration, after) => {
    expect(stillOffered(declaration, rulesIn(hefei, '2024-03'))).toBe(true)
    expect(stillOffered(declaration, rulesIn(after, '2024-03'))).toBe(false)
  })

  test('a base of the unit below what its persons pay on now', () => {
    const filed = declare({ period: '2024-11', lines: 1 }, { unitBase: '4000' })
    const [line] = filed.lines ?? []
    const declaration = { ...filed, lines: [{ ...line, wage: '3000' }] } as Declaration
    const raised = madeUp.limits.map((row) => ({ ...row, floor: '5500' }))
    expect(stillOffered(declaration, rulesIn(madeUp, '2024-11'))).toBe(true)
    expect(stillOffered(declaration, rulesIn({ ...madeUp, limits: raised }, '2024-11'))).toBe(false)
  })

  test('orders of a day that is over are still offered', () => {
    const rides = { date: '2024-11-30', service: 'ride', orders: 1 }
    const [line] = declare({ lines: 1 }).lines ?? []
    const platform = { person: line?.person, category: 'platform', days: [rides] }
    const declaration = declare({ lines: 1 }, { unitBase: '0', lines: [platform] } as never)
    expect(stillOffered(declaration, rulesIn(madeUp, '2024-11'))).toBe(true)
  })
})

describe('causes', () => {
  const filed = declare({ period: '2024-03', lines: 1 })
  const declaration = {
    ...filed,
    lines: [{ ...(filed.lines ?? [])[0], wage: '3000' }],
  } as Declaration
  test('a rate that changes beside a floor has its own part', () => {
    const floored = withFloor('5000')
    const pension = hefei.rates.pension.map((row) => ({ ...row, employer: '20' }))
    const both = { ...floored, rates: { ...floored.rates, pension } }
    const { causesFen } = differenceOf(
      declaration,
      rulesIn(hefei, '2024-03'),
      rulesIn(both, '2024-03'),
    )
    // 773 × (16 + 6.4 + 0.5 + 0.2 + 8 + 2 + 0.5)%, each amount rounded; then 5,000 × 4%.
    expect(causesFen).toMatchObject({ ceiling: 0, tier: 0, rate: 20_000, unit: 0 })
    const floorAlone = differenceOf(
      declaration,
      rulesIn(hefei, '2024-03'),
      rulesIn(floored, '2024-03'),
    )
    expect(causesFen.floor).toBe(floorAlone.causesFen.floor)
  })
})

test('a base of the unit that nobody declared: no part of the filing is reassessed', () => {
  const declaration = declare({ period: '2024-11', lines: 1 })
  const rules = rulesIn(madeUp, '2024-11')
  expect(stillOffered(declaration, rules, 'paid by the head')).toBe(false)
  expect(stillOffered(declaration, rules)).toBe(false)
})
