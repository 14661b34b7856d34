import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { formatFen } from '../../src/declaration/money.ts'
import type { Line } from '../../src/declaration/schema.ts'
import { sha256Hex } from '../../src/journal/digest.ts'
import { assessDeclaration } from '../../src/policy/assess.ts'
import { insurances } from '../../src/policy/pack.ts'
import { packs } from '../../src/policy/packs.ts'
import { createPolicies, type PeriodRules } from '../../src/policy/rules.ts'

const policies = createPolicies({ packs, sha256Hex })
const generator = createGenerator(11)

function rulesFor(period: string): PeriodRules {
  const rules = policies.rulesFor('340100', period)
  if (rules.kind !== 'rules') throw new Error(rules.kind)
  return rules
}

function assess(wages: readonly string[], period = '2024-11', industryClass?: number) {
  const lines: Line[] = wages.map((wage) => ({
    person: generator.person(),
    category: 'employee',
    wage,
    change: 'none',
  }))
  const assessment = assessDeclaration(
    { lines, ...(industryClass !== undefined && { industryClass }) },
    rulesFor(period),
  )
  const yuan = assessment.amounts.map(({ insurance, baseFen, employerFen, employeeFen }) =>
    [insurance, baseFen, employerFen, employeeFen]
      .map((value) => (typeof value === 'number' ? formatFen(value) : value))
      .join(' '),
  )
  return { ...assessment, yuan }
}

describe('worked vectors of Hefei', () => {
  test('6,500.00 in 2024-11', () => {
    expect(assess(['6500.00']).yuan).toEqual([
      'pension 6500.00 1040.00 520.00',
      'medical 6500.00 416.00 130.00',
      'unemployment 6500.00 32.50 32.50',
      'work-injury 6500.00 13.00 0.00',
    ])
  })
  test('a wage below the floor of 2024 counts as 4,227', () => {
    expect(assess(['1000']).yuan[0]).toBe('pension 4227.00 676.32 338.16')
  })
  test('a wage above the ceiling of 2024 counts as 21,133', () => {
    expect(assess(['30000']).yuan[0]).toBe('pension 21133.00 3381.28 1690.64')
  })
  test('the limits of 2021 have two decimals', () => {
    // 3,429.11 × 16% = 548.6576, × 8% = 274.3288
    expect(assess(['0'], '2021-06').yuan[0]).toBe('pension 3429.11 548.66 274.33')
  })
  test('work injury by industry class', () => {
    expect(assess(['10000'], '2024-11', 8).yuan[3]).toBe('work-injury 10000.00 190.00 0.00')
  })
  test('half a fen is rounded up, in each line', () => {
    // 4,230.10 × 0.5% = 21.1505 → 21.15; 4,231.00 × 0.5% = 21.155 → 21.16
    expect(assess(['4230.10', '4231.00']).yuan[2]).toBe('unemployment 8461.10 42.31 42.31')
  })
})

test('a year without published limits is provisional and says which values stand in', () => {
  expect(rulesFor('2024-11')).toMatchObject({ provisional: false, provisionalReasons: [] })
  expect(rulesFor('2026-11')).toMatchObject({
    provisional: true,
    floorFen: 422_700,
    provisionalReasons: ['limits: 2024-01 to 2024-12', 'unemployment: 2023-05 to 2025-12'],
  })
  expect(rulesFor('2022-05')).toMatchObject({ provisional: true, floorFen: 342_911 })
})

test('regions and periods without a policy are told apart', () => {
  expect(policies.rulesFor('110000', '2024-11')).toEqual({
    kind: 'unknownRegion',
    regions: ['340100'],
  })
  expect(policies.rulesFor('340100', '2019-07')).toEqual({ kind: 'beforePack', first: '2019-08' })
})

const wages = fc
  .tuple(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 0, max: 99 }))
  .map(([yuan, fen]) => `${yuan}.${String(fen).padStart(2, '0')}`)

test('totals are the sums of rounded lines, for every insurance and side', () => {
  fc.assert(
    fc.property(fc.array(wages, { minLength: 1, maxLength: 30 }), (list) => {
      const { lines, amounts } = assess(list)
      insurances.forEach((insurance, k) => {
        const sum = (side: 'baseFen' | 'employerFen' | 'employeeFen') =>
          lines.reduce((total, line) => total + (line[side][k] as number), 0)
        expect(amounts[k]).toEqual({
          insurance,
          baseFen: sum('baseFen'),
          employerFen: sum('employerFen'),
          employeeFen: sum('employeeFen'),
        })
      })
    }),
  )
})

test('every amount is the exact product, rounded half up', () => {
  fc.assert(
    fc.property(wages, fc.integer({ min: 1, max: 8 }), (wage, industryClass) => {
      const rules = rulesFor('2024-11')
      const [line] = assess([wage], '2024-11', industryClass).lines
      const { employerPpm = [], employeePpm = [] } = rules.ratesByClass[industryClass] ?? {}
      const exact = (base: number, ppm: number) =>
        Number((BigInt(base) * BigInt(ppm) * 2n + 1_000_000n) / 2_000_000n)
      insurances.forEach((_, k) => {
        const base = line?.baseFen[k] as number
        expect(base).toBeGreaterThanOrEqual(rules.floorFen)
        expect(base).toBeLessThanOrEqual(rules.ceilingFen)
        expect(line?.employerFen[k]).toBe(exact(base, employerPpm[k] as number))
        expect(line?.employeeFen[k]).toBe(exact(base, employeePpm[k] as number))
      })
    }),
  )
})

test('a higher wage never lowers an amount', () => {
  fc.assert(
    fc.property(wages, wages, (one, other) => {
      const [low = '', high = ''] = [one, other].sort((a, b) => Number(a) - Number(b))
      const [less, more] = [assess([low]).amounts, assess([high]).amounts]
      less.forEach(({ employerFen, employeeFen }, k) => {
        expect(more[k]?.employerFen).toBeGreaterThanOrEqual(employerFen)
        expect(more[k]?.employeeFen).toBeGreaterThanOrEqual(employeeFen)
      })
    }),
  )
})

test('a cancellation comes to nothing', () => {
  expect(assessDeclaration({}, rulesFor('2024-11'))).toEqual({ lines: [], amounts: [] })
})
