/**
 * The rules of one region and period, resolved from its pack once and cached. If no row covers the period,
 * the pack's gap names a stand-in. The assessment is then provisional and says why, and can be repeated when
 * the value is published.
 *
 * A declaration is assessed with the pack that was current when it was accepted, known by its hash,
 * so that the same journal gives the same ledger whatever packs came later.
 */

import type { Text } from '../declaration/catalogue/entry.ts'
import { readYuan } from '../declaration/money.ts'
import { closingOf } from './calendar.ts'
import { listName } from './labels.ts'
import {
  type ClassRate,
  type Dated,
  type FlatAmount,
  type FlexibleMedical,
  type FlexibleRate,
  gapsOf,
  insurances,
  type Limits,
  limitsOf,
  type PensionBases,
  type PolicyPack,
  type Rate,
  type Rounding,
  type Side,
  type Tariff,
} from './pack.ts'

/** A row that applies; `carried` when it stands in for one that is missing. */
export type Applied<Row extends Dated> = { readonly row: Row; readonly carried: boolean }

/** Rates in millionths of the base, by the order of `insurances`. */
export type Rates = {
  readonly employerPpm: readonly number[]
  /** The same, but 0 where the employer's amount is assessed for the full unit. */
  readonly employerLinePpm: readonly number[]
  readonly employeePpm: readonly number[]
}

/** How an exact amount becomes fen: floor((millionths + add) / divisor) × unit. */
export type RoundingNumbers = {
  readonly add: number
  readonly divisor: number
  readonly unitFen: number
}

export type FlexibleRules = {
  readonly bases: Applied<PensionBases>
  readonly pension: Applied<FlexibleRate>
  readonly medical: Applied<FlexibleMedical> | undefined
}

export type PeriodRules = {
  readonly kind: 'rules'
  readonly region: string
  readonly period: string
  /** SHA-256 of the pack's text. */
  readonly hash: string
  /** Rows with their sources, by the order of `insurances`: for explanations. */
  readonly limits: readonly Applied<Limits>[]
  readonly rates: readonly Applied<Rate | ClassRate>[]
  readonly flat: readonly Applied<FlatAmount>[]
  readonly rounding: Rounding
  readonly flexible: FlexibleRules | undefined
  readonly tariffs: readonly Applied<Tariff>[]
  /** Limits in fen, by the order of `insurances`. */
  readonly floorsFen: readonly number[]
  readonly ceilingsFen: readonly number[]
  /** For each person, by the order of `insurances`. */
  readonly flatFen: Readonly<Record<Side, readonly number[]>>
  readonly roundingNumbers: RoundingNumbers
  /** By insurance: the base of the employer's amount, if it is assessed for the full unit. */
  readonly unitBases: readonly ('declared' | 'sum' | undefined)[]
  readonly defaultIndustryClass: number
  /** Why the amounts of employees are provisional. */
  readonly provisionalReasons: readonly Text[]
  /** @returns why what is made with these lists of the pack is not final */
  reasonsOf(keys: ReadonlySet<string>): readonly Text[]
  /** Filing is on time before this instant, microseconds since 1970. */
  readonly deadlineMicros: number
  /** No source says so: the deadline is an assumption, which the pack's operator must confirm. */
  readonly deadlineAssumed: boolean
  readonly refuseLate: boolean
  readonly replacementsCloseMicros: number | undefined
  /** @returns undefined when the class has no such float */
  ratesFor(industryClass: number | undefined, float: number | undefined): Rates | undefined
  /** Percent of the class rate that can be declared. */
  floatsOf(industryClass: number | undefined): readonly number[]
}

export type RulesOutcome =
  | PeriodRules
  | { readonly kind: 'unknownRegion'; readonly regions: readonly string[] }
  | { readonly kind: 'beforePack'; readonly first: string }
  | { readonly kind: 'notCovered'; readonly note: Text }

export type HashedPack = { readonly pack: PolicyPack; readonly hash: string }

/** Where assessments find their rules. */
export type Policies = {
  /** The rules of the region's current pack. */
  rulesFor(region: string, period: string): RulesOutcome
  /** The rules of the pack with this hash; undefined when it isn't known here. */
  rulesOf(hash: string, period: string): RulesOutcome | undefined
  /** The current pack of each region. */
  readonly current: ReadonlyMap<string, HashedPack>
  packOf(hash: string): PolicyPack | undefined
  /** Adds an older pack, so that its declarations can be assessed and explained. */
  remember(known: HashedPack): void
}

export type PolicyDependencies = {
  readonly packs: readonly PolicyPack[]
  /** Injected, because this room runs in browsers too. */
  readonly sha256Hex: (text: string) => string
}

/** Periods kept of each pack; there are twelve a year. */
const periodsKeptMax = 1_000

/** The text of a pack over which its hash is taken. */
export function packText(pack: PolicyPack): string {
  return JSON.stringify(pack)
}

export function createPolicies({ packs, sha256Hex }: PolicyDependencies): Policies {
  const hashed = packs.map((pack) => ({ pack, hash: sha256Hex(packText(pack)) }))
  const current = new Map(hashed.map((one) => [one.pack.region.code, one]))
  const byHash = new Map(hashed.map((one) => [one.hash, one.pack]))
  const resolved = new Map<string, Map<string, RulesOutcome>>()
  const rulesOf = (hash: string, period: string): RulesOutcome | undefined => {
    const known = resolved.get(hash)?.get(period)
    if (known !== undefined) return known
    const pack = byHash.get(hash)
    if (pack === undefined) return undefined
    const rules = resolveRules(pack, hash, period)
    const ofPack = resolved.get(hash) ?? new Map<string, RulesOutcome>()
    if (ofPack.size < periodsKeptMax) ofPack.set(period, rules)
    resolved.set(hash, ofPack)
    return rules
  }
  return {
    current,
    rulesOf,
    packOf: (hash) => byHash.get(hash),
    remember: ({ hash, pack }) => void byHash.set(hash, pack),
    rulesFor: (region, period) => {
      const found = current.get(region)
      if (found === undefined) return { kind: 'unknownRegion', regions: [...current.keys()] }
      return rulesOf(found.hash, period) as RulesOutcome
    },
  }
}

type ProvisionalReason = {
  /** Of the list in the pack. */
  readonly key: string
  /** The row that stands in; undefined where the period's own row is provisional. */
  readonly standsIn: Dated | undefined
}

/** Rows that apply to a period, and why some of them are not final. */
class Resolver {
  readonly reasons: ProvisionalReason[] = []
  readonly #pack: PolicyPack
  readonly #period: string
  /** The first list that has nothing for the period. */
  missing: Text | undefined

  constructor(pack: PolicyPack, period: string) {
    this.#pack = pack
    this.#period = period
  }

  /** The row for the period, or the one that a gap names; undefined when there is none. */
  find<Row extends Dated>(key: string, rows: readonly Row[]): Applied<Row> | undefined {
    const period = this.#period
    const covering = rows.find(({ from, to }) => from <= period && (to ?? period) >= period)
    if (covering !== undefined) {
      if (covering.status === 'provisional') this.reasons.push({ key, standsIn: undefined })
      return { row: covering, carried: false }
    }
    const gap = gapsOf(this.#pack, key).find(
      ({ from = '', to = period }) => from <= period && to >= period,
    )
    const row =
      gap?.fill === 'next'
        ? rows.find(({ from }) => from > period)
        : gap?.fill === 'none'
          ? undefined
          : rows.findLast(({ to }) => to !== undefined && to < period)
    if (gap === undefined || row === undefined) {
      this.missing ??= gap?.note
      return undefined
    }
    this.reasons.push({ key, standsIn: row })
    return { row, carried: true }
  }

  findAll<Row extends Dated>(
    key: string,
    rows: readonly Row[],
    nameOf: (row: Row) => string,
  ): Applied<Row>[] {
    const names = [...new Set(rows.map(nameOf))]
    return names.flatMap((name) => {
      const named = rows.filter((row) => nameOf(row) === name)
      return this.find(`${key}/${name}`, named) ?? []
    })
  }
}

function resolveRules(pack: PolicyPack, hash: string, period: string): RulesOutcome {
  if (period < pack.region.from) return { kind: 'beforePack', first: pack.region.from }
  const resolver = new Resolver(pack, period)
  const limits = wholeOf(
    insurances.map((name) => resolver.find(`limits/${name}`, limitsOf(pack, name))),
  )
  const rates = wholeOf(
    insurances.map((name) => resolver.find<Rate | ClassRate>(`rates/${name}`, pack.rates[name])),
  )
  const flat = resolver.findAll('flat', pack.flat ?? [], (row) => `${row.insurance}/${row.side}`)
  // Rounding and calendar may be assumptions, which no publication will change afterwards.
  const conventions = new Resolver(pack, period)
  const rounding = conventions.find('rounding', pack.rounding)
  const deadline = conventions.find('calendar/deadlines', pack.calendar.deadlines)
  if (!(limits && rates && rounding && deadline)) {
    const note = resolver.missing ?? conventions.missing ?? { 'zh-CN': period, en: period }
    return { kind: 'notCovered', note }
  }
  const others = new Resolver(pack, period)
  const flexible = resolveFlexible(others, pack)
  const tariffs = others.findAll(
    'platform/tariffs',
    pack.platform?.tariffs ?? [],
    (row) => row.service,
  )
  const declared = resolver.find('bases/unit', pack.bases?.unit ?? [])
  const unitBases = insurances.map((name) => {
    if (declared?.row.insurances.includes(name)) return 'declared'
    return rounding.row.per === 'unit' ? 'sum' : undefined
  })
  return {
    kind: 'rules',
    region: pack.region.code,
    period,
    hash,
    limits,
    rates,
    flat,
    rounding: rounding.row,
    flexible,
    tariffs,
    floorsFen: limits.map(({ row }) => readYuan(row.floor)),
    ceilingsFen: limits.map(({ row }) => readYuan(row.ceiling)),
    flatFen: { employer: flatFen(flat, 'employer'), employee: flatFen(flat, 'employee') },
    roundingNumbers: roundingNumbersOf(rounding.row),
    unitBases,
    defaultIndustryClass: pack.region.defaultIndustryClass,
    provisionalReasons: grouped(resolver.reasons),
    reasonsOf: (keys) =>
      grouped([...resolver.reasons, ...others.reasons].filter(({ key }) => keys.has(key))),
    ...closingOf(period, deadline.row, pack.calendar),
    deadlineAssumed: deadline.row.sources.length === 0,
    refuseLate: deadline.row.refuseLate,
    ...classRates(rates, unitBases, pack.region.defaultIndustryClass),
  }
}

/** All of them; undefined where one is missing. */
function wholeOf<T>(found: readonly (T | undefined)[]): readonly T[] | undefined {
  const complete = found.filter((one) => one !== undefined)
  return complete.length === found.length ? complete : undefined
}

/** Reports limits of all four insurances once, and tariffs once. */
function grouped(reasons: readonly ProvisionalReason[]): readonly Text[] {
  const texts = reasons.map(({ key, standsIn }): Text => {
    const name = listName(key.replace(/^(limits|platform\/tariffs)\/[a-z0-9-]+/, '$1'))
    if (standsIn === undefined) {
      return { 'zh-CN': `${name['zh-CN']}：暂定`, en: `${name.en}: provisional` }
    }
    const { from, to } = standsIn
    return {
      'zh-CN': `${name['zh-CN']}：该期未核实，暂用 ${from} ${to === undefined ? '起' : `至 ${to} `}的标准`,
      en: `${name.en}: ${from} to ${to ?? 'now'}, standing in, as this period is not verified`,
    }
  })
  return [...new Map(texts.map((text) => [text.en, text])).values()]
}

function resolveFlexible(resolver: Resolver, pack: PolicyPack): FlexibleRules | undefined {
  if (pack.flexible === undefined) return undefined
  const { pensionBases, pensionRates, medical = [] } = pack.flexible
  const bases = resolver.find('flexible/pensionBases', pensionBases)
  const pension = resolver.find('flexible/pensionRates', pensionRates)
  if (bases === undefined || pension === undefined) return undefined
  return { bases, pension, medical: resolver.find('flexible/medical', medical) }
}

function flatFen(flat: readonly Applied<FlatAmount>[], side: Side): number[] {
  return insurances.map((name) => {
    const found = flat.find(({ row }) => row.insurance === name && row.side === side)
    return found === undefined ? 0 : readYuan(found.row.amount)
  })
}

/**
 * The quotient of doubles is exact enough: a value just below a whole number k differs from it by
 * 1/divisor, and half the distance of doubles near k is smaller while k × divisor is below 2^53.
 */
function roundingNumbersOf({ mode, scale }: Rounding): RoundingNumbers {
  const unitFen = 10 ** (2 - scale)
  const divisor = 1_000_000 * unitFen
  const add = mode === 'half-up' ? divisor / 2 : mode === 'up' ? divisor - 1 : 0
  return { add, divisor, unitFen }
}

/** Rates by industry class and float, made when first asked for. */
function classRates(
  rates: readonly Applied<Rate | ClassRate>[],
  unitBases: PeriodRules['unitBases'],
  defaultIndustryClass: number,
) {
  const workInjury = rates[3]?.row as ClassRate
  const fixed = rates.slice(0, 3).map(({ row }) => row as Rate)
  const made = new Map<number, Rates>()
  const floatsOf = (industryClass = defaultIndustryClass) =>
    workInjury.floats?.[industryClass - 1] ?? [100]
  return {
    floatsOf,
    ratesFor: (industryClass = defaultIndustryClass, float = 100): Rates | undefined => {
      const known = made.get(industryClass * 10_000 + float)
      if (known !== undefined) return known
      const classRate = workInjury.employerByClass[industryClass - 1]
      if (classRate === undefined || (float !== 100 && !floatsOf(industryClass).includes(float))) {
        return undefined
      }
      const floated = (ppm(classRate) * float) / 100
      if (!Number.isInteger(floated)) throw new RangeError('a floated rate below one millionth')
      const employerPpm = [...fixed.map(({ employer }) => ppm(employer)), floated]
      const found = {
        employerPpm,
        employerLinePpm: employerPpm.map((rate, k) => (unitBases[k] === undefined ? rate : 0)),
        employeePpm: [...fixed.map(({ employee }) => ppm(employee)), ppm(workInjury.employee)],
      }
      made.set(industryClass * 10_000 + float, found)
      return found
    },
  }
}

/** Millionths, from percent with at most four decimals. */
export function ppm(percent: string): number {
  const [whole = '', decimals = ''] = percent.split('.')
  return Number(whole) * 10_000 + Number(decimals.padEnd(4, '0'))
}
