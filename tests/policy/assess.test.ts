import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGenerator } from '../../bench/support/generator.ts'
import { formatFen, readYuan } from '../../src/declaration/money.ts'
import type { Declaration, Line } from '../../src/declaration/schema.ts'
import { assessDeclaration, lineStride } from '../../src/policy/assess.ts'
import { insurances, type PolicyPack } from '../../src/policy/pack.ts'
import { addBases, addDays, noSums, wagesOf } from '../../src/policy/unit.ts'
import { anyLine, cut } from '../support/lines.ts'
import { hefei, madeUp, rulesIn } from '../support/packs.ts'

const generator = createGenerator(11)

type Wages = { pack?: PolicyPack; period?: string } & Partial<Declaration>

function employee(wage: string): Line {
  return { person: generator.person(), category: 'employee', wage, change: 'none' }
}

function assessLines(
  lines: readonly Line[],
  { pack = hefei, period = '2024-11', ...more }: Wages = {},
) {
  const assessment = assessDeclaration({ ...more, lines: [...lines] }, rulesIn(pack, period))
  const yuan = assessment.amounts.map(({ insurance, baseFen, employerFen, employeeFen }) =>
    [insurance, ...[baseFen, employerFen, employeeFen].map(formatFen)].join(' '),
  )
  return { ...assessment, yuan }
}

const assess = (wages: readonly string[], more?: Wages) => assessLines(wages.map(employee), more)

/** Line amounts in fen, by insurance. */
function amountOf(linesFen: readonly number[], line: number, k: number) {
  const at = line * lineStride + 1 + 3 * k
  return linesFen.slice(at, at + 3)
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
  test.each([
    // Floor and ceiling of each published year × 16% and 8%, by hand.
    ['2020-03', '0', 'pension 3017.01 482.72 241.36'],
    ['2020-03', '99999', 'pension 15085.05 2413.61 1206.80'],
    ['2021-06', '0', 'pension 3429.11 548.66 274.33'],
    ['2021-06', '99999', 'pension 17925.42 2868.07 1434.03'],
    ['2024-01', '1000', 'pension 4227.00 676.32 338.16'],
    ['2024-12', '30000', 'pension 21133.00 3381.28 1690.64'],
  ])('in %s a wage of %s: %s', (period, wage, pension) => {
    expect(assess([wage], { period }).yuan[0]).toBe(pension)
  })
  test.each([
    [1, 100, '20.00'],
    [2, 100, '40.00'],
    [3, 100, '70.00'],
    [4, 100, '90.00'],
    [5, 100, '110.00'],
    [6, 100, '130.00'],
    [7, 100, '160.00'],
    [8, 100, '190.00'],
    [1, 120, '24.00'],
    [1, 150, '30.00'],
    [8, 50, '95.00'],
    [8, 80, '152.00'],
  ])('work injury of class %i floated to %i%% of 10,000: %s', (industryClass, float, amount) => {
    const { yuan } = assess(['10000'], { industryClass, workInjuryFloat: float })
    expect(yuan[3]).toBe(`work-injury 10000.00 ${amount} 0.00`)
  })
  test('half a fen is rounded up, in each line', () => {
    // 4,230.10 × 0.5% = 21.1505 → 21.15; 4,231.00 × 0.5% = 21.155 → 21.16
    expect(assess(['4230.10', '4231.00']).yuan[2]).toBe('unemployment 8461.10 42.31 42.31')
  })
  test('medical and unemployment of the floor of 2024', () => {
    // 4,227 × 6.4% = 270.528, × 2% = 84.54, × 0.5% = 21.135
    expect(assess(['4227']).yuan.slice(1, 3)).toEqual([
      'medical 4227.00 270.53 84.54',
      'unemployment 4227.00 21.14 21.14',
    ])
  })
})

const person = generator.person()
const flexible = { person, category: 'flexible', medical: 'none', change: 'none' } as const

describe('flexible workers', () => {
  test.each([
    // 20% of the base; medical on the floor of 2024: 4,227 × 8% and × 4.5%.
    [
      '2024-06',
      { base: '4227.00' },
      'none',
      ['pension 4227.00 0.00 845.40', 'medical 0.00 0.00 0.00'],
    ],
    [
      '2024-06',
      { base: '21133' },
      'with-account',
      ['pension 21133.00 0.00 4226.60', 'medical 4227.00 0.00 338.16'],
    ],
    // A published example: 3,676 × 20%.
    [
      '2024-06',
      { base: '3676' },
      'none',
      ['pension 3676.00 0.00 735.20', 'medical 0.00 0.00 0.00'],
    ],
    ['2024-06', {}, 'without-account', ['pension 0.00 0.00 0.00', 'medical 4227.00 0.00 190.22']],
    // Published amounts of 2019-08: 603.40, 1,005.67 and 3,017.01 yuan.
    ['2019-08', { tier: '60' }, 'none', ['pension 3017.01 0.00 603.40', 'medical 0.00 0.00 0.00']],
    [
      '2019-08',
      { tier: '100' },
      'none',
      ['pension 5028.35 0.00 1005.67', 'medical 0.00 0.00 0.00'],
    ],
    [
      '2019-08',
      { tier: '300' },
      'none',
      ['pension 15085.05 0.00 3017.01', 'medical 0.00 0.00 0.00'],
    ],
  ] as const)('%s %o %s', (period, chosen, medical, expected) => {
    const { yuan, provisionalReasons } = assessLines([{ ...flexible, ...chosen, medical }], {
      period,
    })
    expect(yuan.slice(0, 2)).toEqual(expected)
    const keys = provisionalReasons.map(({ en }) => en.split(':')[0])
    expect(keys).toEqual(medical === 'none' ? [] : ['flexible/medical'])
  })
})

describe('platform workers', () => {
  const worker = (days: [string, string, number][]): Line => ({
    person: generator.person(),
    category: 'platform',
    days: days.map(([date, service, orders]) => ({ date, service, orders })),
  })
  test.each([
    ['ride-hailing', '0.01', '0.37'],
    ['instant-delivery', '0.07', '2.59'],
    ['instant-delivery-high', '0.25', '9.25'],
    ['city-freight', '0.18', '6.66'],
  ])('37 orders of %s at %s are %s', (service, _, amount) => {
    const { yuan } = assessLines([worker([['2025-07-03', service, 37]])], { period: '2025-07' })
    expect(yuan.at(-1)).toBe(`occupational-injury 0.00 ${amount} 0.00`)
  })
  test('tariffs below a fen are added up exactly for each day, then rounded', () => {
    const down: PolicyPack = {
      ...madeUp,
      rounding: madeUp.rounding.map((row) => ({ ...row, mode: 'half-up', scale: 2 })),
    }
    // Day 1: 3 × 0.0125 + 1 × 0.004 + 2 × 0.0125 = 0.0665 → 0.07; day 2: 0.004 → 0.00
    const lines = [
      worker([
        ['2024-11-01', 'ride', 3],
        ['2024-11-01', 'meal', 1],
      ]),
      worker([
        ['2024-11-01', 'ride', 2],
        ['2024-11-02', 'meal', 1],
      ]),
    ]
    const { yuan, unit } = assessLines(lines, { pack: down, unitBase: '0' })
    expect(yuan.at(-1)).toBe('occupational-injury 0.00 0.07 0.00')
    expect(unit.at(-1)?.employerFen).toBe(7)
  })
})

test('what is provisional is what was used: of orders their tariff, no limit and no rate', () => {
  const days = [{ date: '2026-11-03', service: 'ride-hailing', orders: 3 }]
  const lines: Line[] = [{ person, category: 'platform', days }]
  const keysOf = (more: readonly Line[]) =>
    assessLines([...lines, ...more], { period: '2026-11' }).provisionalReasons.map(
      ({ en }) => en.split(':')[0],
    )
  expect(keysOf([])).toEqual(['platform/tariffs'])
  expect(keysOf([{ ...flexible, medical: 'with-account' }])).toEqual([
    'limits',
    'flexible/medical',
    'platform/tariffs',
  ])
  expect(keysOf([employee('6500')])).toEqual(['limits', 'rates/unemployment', 'platform/tariffs'])
})

test('orders alone need no base of the unit', () => {
  const days = [{ date: '2024-11-01', service: 'ride', orders: 3 }]
  const lines: Line[] = [{ person, category: 'platform', days }]
  const { yuan, unit } = assessLines(lines, { pack: madeUp })
  // 3 × 0.0125 = 0.0375 → 0.10
  expect(yuan.at(-1)).toBe('occupational-injury 0.00 0.10 0.00')
  expect(unit.map(({ insurance }) => insurance)).not.toContain('pension')
})

describe('a region with two bases, flat amounts and rounding for the unit', () => {
  const assessed = assess(['3000.00', '10000.05'], { pack: madeUp, unitBase: '14000.05' })
  test('the unit pays on its own base, rounded up to the jiao once', () => {
    // 14,000.05 × 16% = 2,240.008 → 2,240.10; employees 4,000 × 8% = 320, 10,000.05 × 8% = 800.004 → 800.10
    expect(assessed.yuan[0]).toBe('pension 14000.05 2240.10 1120.10')
  })
  test('medical has its own limits, and an amount for each person', () => {
    // (5,000 + 10,000.05) × 7.55% = 1,132.503775 → 1,132.60, + 2 × 5; 100 + 200.001 → 200.10, + 2 × 3.50
    expect(assessed.yuan[1]).toBe('medical 15000.05 1142.60 307.10')
  })
  test('the default industry class is the region’s', () => {
    // 14,000.05 × 0.4% = 56.0002 → 56.10
    expect(assessed.yuan[3]).toBe('work-injury 14000.05 56.10 0.00')
  })
})

test('what is made for the unit is made on employees’ bases, not on those of flexible workers', () => {
  const lines: Line[] = [
    employee('10000.00'),
    { ...flexible, tier: '100', medical: 'with-account' },
  ]
  const { unit, yuan } = assessLines(lines, { pack: madeUp, unitBase: '10000' })
  // 10,000 × 7.55% = 755, + 5 for the employee; 200 + 3.50, and 6,666.67 × 8% = 533.3336 → 533.40
  expect(yuan[1]).toBe('medical 16666.67 760.00 736.90')
  expect(unit.map(({ insurance, baseFen }) => [insurance, baseFen])).toEqual([
    ['pension', 1_000_000],
    ['medical', 1_000_000],
    ['unemployment', 1_000_000],
    ['work-injury', 1_000_000],
  ])
})

const wages = fc
  .tuple(fc.integer({ min: 0, max: 999_999_999 }), fc.integer({ min: 0, max: 99 }))
  .map(([yuan, fen]) => `${yuan}.${String(fen).padStart(2, '0')}`)
const plausible = fc.integer({ min: 0, max: 3_000_000 }).map(formatFen)
const anyPack = fc.constantFrom(
  { pack: hefei, period: '2024-11' },
  { pack: hefei, period: '2021-03' },
  { pack: madeUp, period: '2024-11' },
)

test('totals are the sums of rounded lines and of the unit, for every insurance and side', () => {
  fc.assert(
    fc.property(fc.array(plausible, { minLength: 1, maxLength: 30 }), anyPack, (list, which) => {
      const { linesFen, amounts, unit } = assess(list, { ...which, unitBase: '999999999.00' })
      insurances.forEach((insurance, k) => {
        const lines = list.map((_, i) => amountOf(linesFen, i, k))
        const made = unit.find((one) => one.insurance === insurance)?.employerFen ?? 0
        const sum = (j: number) => lines.reduce((total, line) => total + (line[j] as number), 0)
        expect(amounts[k]).toEqual({
          insurance,
          baseFen: amounts[k]?.baseFen,
          employerFen: sum(1) + made,
          employeeFen: sum(2),
        })
      })
    }),
  )
})

test('parts come to what the whole does in one piece, where the head pays for the unit', () => {
  const rules = rulesIn(madeUp, '2024-11')
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(
      fc.array(anyLine, { minLength: 2, maxLength: 40 }),
      cuts,
      plausible,
      (lines, sizes, unitBase) => {
        const parts = cut(lines, sizes)
        const head = parts.pop() as Line[]
        const before = parts.reduce(
          ({ basesFen, days }, part) => ({
            basesFen: addBases(basesFen, wagesOf(part), rules),
            days: addDays(days, part),
          }),
          noSums,
        )
        const assessed = [
          ...parts.map((part) =>
            assessDeclaration({ unitBase, lines: part }, rules, undefined, 'paid by the head'),
          ),
          assessDeclaration({ unitBase, lines: head }, rules, undefined, before),
        ]
        const whole = assessDeclaration({ unitBase, lines }, rules)
        expect(assessed.flatMap(({ linesFen }) => linesFen)).toEqual(whole.linesFen)
        expect(assessed.flatMap(({ unit }) => unit)).toEqual(whole.unit)
        for (const { insurance, ...paid } of whole.amounts) {
          const inParts = assessed.flatMap(({ amounts }) =>
            amounts.filter((amount) => amount.insurance === insurance),
          )
          const sum = (side: 'employerFen' | 'employeeFen') =>
            inParts.reduce((total, amount) => total + amount[side], 0)
          expect(sum('employerFen')).toBe(paid.employerFen)
          expect(sum('employeeFen')).toBe(paid.employeeFen)
        }
      },
    ),
  )
})

test('every amount is the exact product, rounded half up, and clamping is idempotent', () => {
  fc.assert(
    fc.property(wages, fc.integer({ min: 1, max: 8 }), (wage, industryClass) => {
      const rules = rulesIn(hefei, '2024-11')
      const { linesFen } = assess([wage], { industryClass })
      const { employerPpm = [], employeePpm = [] } = rules.ratesFor(industryClass, undefined) ?? {}
      const exact = (base: number, ppm: number) =>
        Number((BigInt(base) * BigInt(ppm) * 2n + 1_000_000n) / 2_000_000n)
      insurances.forEach((_, k) => {
        const [base = 0, employer, employee] = amountOf(linesFen, 0, k)
        expect(base).toBe(Math.min(Math.max(readYuan(wage), 422_700), 2_113_300))
        expect(employer).toBe(exact(base, employerPpm[k] as number))
        expect(employee).toBe(exact(base, employeePpm[k] as number))
        const again = assess([formatFen(base)], { industryClass }).linesFen
        expect(amountOf(again, 0, k)).toEqual(amountOf(linesFen, 0, k))
      })
    }),
  )
})

test('rounding is exact in every mode and scale', () => {
  const modes = fc.constantFrom('half-up', 'up', 'down')
  fc.assert(
    fc.property(plausible, modes, fc.integer({ min: 0, max: 2 }), (wage, mode, scale) => {
      const [row] = hefei.rounding
      const pack = { ...hefei, rounding: [{ ...row, mode, scale, per: 'line' }] } as PolicyPack
      const [base = 0, employer] = amountOf(assess([wage], { pack }).linesFen, 0, 1)
      const divisor = 1_000_000n * 10n ** BigInt(2 - scale)
      const add = { 'half-up': divisor / 2n, up: divisor - 1n, down: 0n }[mode]
      const exact = ((BigInt(base) * 64_000n + add) / divisor) * 10n ** BigInt(2 - scale)
      expect(employer).toBe(Number(exact))
    }),
  )
})

test('no amount is negative, and a higher wage never lowers one', () => {
  fc.assert(
    fc.property(wages, wages, anyPack, (one, other, which) => {
      const [low = '', high = ''] = [one, other].sort((a, b) => Number(a) - Number(b))
      const more = { ...which, unitBase: '999999999.00' }
      const [less, greater] = [assess([low], more).amounts, assess([high], more).amounts]
      less.forEach(({ employerFen, employeeFen }, k) => {
        expect(Math.min(employerFen, employeeFen)).toBeGreaterThanOrEqual(0)
        expect(greater[k]?.employerFen).toBeGreaterThanOrEqual(employerFen)
        expect(greater[k]?.employeeFen).toBeGreaterThanOrEqual(employeeFen)
      })
    }),
  )
})

test('a cancellation comes to nothing', () => {
  expect(assessDeclaration({}, rulesIn(hefei, '2024-11'))).toMatchObject({ unit: [], amounts: [] })
})
