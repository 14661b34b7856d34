/**
 * The rules of one region and period, resolved from its pack once and kept. A value that no row
 * covers is taken from the latest row before, else from the earliest after; the assessment is then
 * provisional and says why, and can be made again when the value is published.
 */

import { parseYuan } from '../declaration/money.ts'
import { endOfPeriodMicros } from '../declaration/period.ts'
import type { Dated, PolicyPack } from './pack.ts'

/** Rates in millionths of the base, by the order of `insurances`. */
export type Rates = {
  readonly employerPpm: readonly number[]
  readonly employeePpm: readonly number[]
}

export type PeriodRules = {
  readonly kind: 'rules'
  readonly region: string
  readonly period: string
  /** SHA-256 of the pack's text. */
  readonly hash: string
  readonly floorFen: number
  readonly ceilingFen: number
  /** By industry class; index 0 is unused. */
  readonly ratesByClass: readonly Rates[]
  readonly defaultIndustryClass: number
  readonly provisional: boolean
  /** Which values stand in for unpublished ones, with the dates of what was used. */
  readonly provisionalReasons: readonly string[]
  /** Filing is on time before this instant, microseconds since 1970. */
  readonly deadlineMicros: number
  readonly refuseLate: boolean
}

export type RulesOutcome =
  | PeriodRules
  | { readonly kind: 'unknownRegion'; readonly regions: readonly string[] }
  | { readonly kind: 'beforePack'; readonly first: string }

export type Policies = {
  rulesFor(region: string, period: string): RulesOutcome
}

export type PolicyDependencies = {
  readonly packs: readonly PolicyPack[]
  /** Injected, because this room runs in browsers too. */
  readonly sha256Hex: (text: string) => string
}

/** Periods kept; there are twelve a year. */
const periodsKeptMax = 10_000

export function createPolicies({ packs, sha256Hex }: PolicyDependencies): Policies {
  const byRegion = new Map(
    packs.map((pack) => [pack.region, { pack, hash: sha256Hex(JSON.stringify(pack)) }]),
  )
  const resolved = new Map<string, PeriodRules>()
  return {
    rulesFor: (region, period) => {
      const known = resolved.get(region + period)
      if (known !== undefined) return known
      const found = byRegion.get(region)
      if (found === undefined) return { kind: 'unknownRegion', regions: [...byRegion.keys()] }
      if (period < found.pack.from) return { kind: 'beforePack', first: found.pack.from }
      const rules = resolveRules(found.pack, found.hash, period)
      if (resolved.size < periodsKeptMax) resolved.set(region + period, rules)
      return rules
    },
  }
}

function resolveRules(pack: PolicyPack, hash: string, period: string): PeriodRules {
  const provisionalReasons: string[] = []
  const inForce = <T extends Dated>(name: string, rows: readonly T[]): T => {
    const { row, covered } = rowFor(rows, period)
    if (!covered) provisionalReasons.push(`${name}: ${row.from} to ${row.to ?? 'now'}`)
    return row
  }
  const limits = inForce('limits', pack.limits)
  const { pension, medical, unemployment } = {
    pension: inForce('pension', pack.rates.pension),
    medical: inForce('medical', pack.rates.medical),
    unemployment: inForce('unemployment', pack.rates.unemployment),
  }
  const { employerByClass } = inForce('work-injury', pack.workInjury)
  const employeePpm = [pension, medical, unemployment].map((rate) => ppm(rate.employee))
  const ratesOf = (workInjury: string): Rates => ({
    employerPpm: [pension, medical, unemployment]
      .map((rate) => ppm(rate.employer))
      .concat(ppm(workInjury)),
    employeePpm: [...employeePpm, 0],
  })
  return {
    kind: 'rules',
    region: pack.region,
    period,
    hash,
    floorFen: parseYuan(limits.floor),
    ceilingFen: parseYuan(limits.ceiling),
    ratesByClass: [ratesOf('0'), ...employerByClass.map(ratesOf)],
    defaultIndustryClass: pack.defaultIndustryClass,
    provisional: provisionalReasons.length > 0,
    provisionalReasons,
    deadlineMicros: endOfPeriodMicros(monthsAfter(period, pack.calendar.monthsAfterPeriod)),
    refuseLate: pack.calendar.refuseLate,
  }
}

/** The row that covers a period, else the latest before it, else the earliest after it. */
function rowFor<T extends Dated>(rows: readonly T[], period: string): { row: T; covered: boolean } {
  const byDate = [...rows].sort((one, other) => (one.from < other.from ? -1 : 1))
  const row = byDate.findLast(({ from }) => from <= period) ?? byDate[0]
  if (row === undefined) throw new Error('a policy pack has no row for a value')
  return { row, covered: row.from <= period && (row.to === undefined || period <= row.to) }
}

/** Millionths, from percent with at most four decimals. */
function ppm(percent: string): number {
  if (!/^\d{1,2}(\.\d{1,4})?$/.test(percent)) throw new Error(`not a rate in percent: ${percent}`)
  const [whole = '', decimals = ''] = percent.split('.')
  return Number(whole) * 10_000 + Number(decimals.padEnd(4, '0'))
}

function monthsAfter(period: string, months: number): string {
  const count = Number(period.slice(0, 4)) * 12 + Number(period.slice(5)) - 1 + months
  return `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, '0')}`
}
