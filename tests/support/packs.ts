/** Policies of tests: the packs that are shipped, and a made-up one that has what they lack. */
import { sha256Hex } from '../../src/journal/digest.ts'
import { readPackFolder, shippedPacks } from '../../src/platform/config/packs.ts'
import type { PolicyPack } from '../../src/policy/pack.ts'
import { createPolicies, type PeriodRules, type Policies } from '../../src/policy/rules.ts'

export const hefei = readPackFolder(`${shippedPacks}/340100`).content as PolicyPack

const sources = [{ title: 'Made up for tests', number: 'T-1', date: '2023-12-01' }]
const made = { from: '2024-01', status: 'final' as const, sources }

/**
 * No real region: two bases, flat amounts, rounding to the jiao for the unit, tiers, tariffs below
 * a fen, a calendar that moves, refuses and closes replacements early.
 */
export const madeUp: PolicyPack = {
  region: {
    code: '999000',
    names: { 'zh-CN': '测试', en: 'Test' },
    from: '2024-01',
    defaultIndustryClass: 2,
  },
  limits: [
    {
      ...made,
      insurances: ['pension', 'unemployment', 'work-injury'],
      floor: '4000',
      ceiling: '20000',
    },
    { ...made, insurances: ['medical'], floor: '5000', ceiling: '25000' },
  ],
  rates: {
    pension: [{ ...made, employer: '16', employee: '8' }],
    medical: [{ ...made, employer: '7.55', employee: '2' }],
    unemployment: [{ ...made, employer: '0.5', employee: '0.5' }],
    'work-injury': [
      {
        ...made,
        employerByClass: ['0.2', '0.4', '0.7', '0.9', '1.1', '1.3', '1.6', '1.9'],
        floats: [[100, 120, 150], ...Array.from({ length: 7 }, () => [50, 80, 100, 120, 150])],
        employee: '0',
      },
    ],
  },
  flat: [
    { ...made, insurance: 'medical', side: 'employer', amount: '5' },
    { ...made, insurance: 'medical', side: 'employee', amount: '3.5' },
  ],
  bases: { unit: [{ ...made, insurances: ['pension'] }] },
  flexible: {
    pensionBases: [
      {
        ...made,
        choice: 'tiers',
        tiers: [
          { tier: '60', base: '4000' },
          { tier: '100', base: '6666.67' },
        ],
      },
    ],
    pensionRates: [{ ...made, rate: '20' }],
    medical: [{ ...made, withAccount: '8', withoutAccount: '4.5', base: 'chosen' }],
  },
  platform: {
    tariffs: [
      { ...made, service: 'ride', names: { 'zh-CN': '出行', en: 'ride' }, perOrder: '0.0125' },
      { ...made, service: 'meal', names: { 'zh-CN': '外卖', en: 'meal' }, perOrder: '0.004' },
    ],
  },
  rounding: [{ ...made, mode: 'up', scale: 1, per: 'unit' }],
  calendar: {
    deadlines: [
      {
        ...made,
        monthsAfterPeriod: 1,
        day: 15,
        time: '17:00',
        onNonWorkingDay: 'next',
        graceDays: 0,
        refuseLate: true,
        replacementsClose: { daysBefore: 3, time: '12:00' },
      },
    ],
    nonWorkingDays: ['2024-12-16', '2025-01-01', '2026-01-01'],
    workingDays: [],
  },
  gaps: [],
}

/** A second region with the parameters of the first: no real ones. */
export const wuhu: PolicyPack = {
  ...hefei,
  region: { ...hefei.region, code: '340200', names: { 'zh-CN': '芜湖', en: 'Wuhu' } },
}

export function policiesOf(...packs: PolicyPack[]): Policies {
  return createPolicies({ packs, sha256Hex })
}

/** @throws Error when there are no rules */
export function rulesIn(pack: PolicyPack, period: string): PeriodRules {
  const rules = policiesOf(pack).rulesFor(pack.region.code, period)
  if (rules.kind !== 'rules') throw new Error(rules.kind)
  return rules
}
