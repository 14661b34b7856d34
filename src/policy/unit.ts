/**
 * The amounts that an employer pays for its full unit, rounded once: on a base of its own, on the sum of
 * persons' bases, and for the orders of each day. They follow from all lines of a declaration. Of one in
 * parts, the head carries them for the lines of all parts.
 */
import { readYuan } from '../declaration/money.ts'
import type { OrdersOfDay, UnitSums } from '../declaration/part.ts'
import type { Line } from '../declaration/schema.ts'
import { type Insurance, insurances } from './pack.ts'
import type { PeriodRules, Rates } from './rules.ts'

export type AssessedAmount = {
  readonly insurance: Insurance
  readonly baseFen: number
  readonly employerFen: number
  readonly employeeFen: number
}

export const noSums: UnitSums = { basesFen: insurances.map(() => 0), days: [] }

/** Whether a unit's amounts are made of its persons' bases. */
export function sumsBases({ unitBases }: Pick<PeriodRules, 'unitBases'>): boolean {
  return unitBases.includes('sum')
}

/** Whether a unit has amounts of its own, on a base that it declared or on that sum. */
export function hasUnitBase({ unitBases }: Pick<PeriodRules, 'unitBases'>): boolean {
  return unitBases.some((kind) => kind !== undefined)
}

/** The sums so far and those of further employees. @param wagesFen other lines' are negative */
export function addBases(
  basesFen: readonly number[],
  wagesFen: readonly number[],
  { floorsFen, ceilingsFen }: Pick<PeriodRules, 'floorsFen' | 'ceilingsFen'>,
): number[] {
  const sums = [...basesFen]
  for (const wage of wagesFen) {
    if (wage < 0) continue
    for (let k = 0; k < sums.length; k += 1) {
      const [floor, ceiling] = [floorsFen[k] as number, ceilingsFen[k] as number]
      ;(sums[k] as number) += wage < floor ? floor : wage > ceiling ? ceiling : wage
    }
  }
  return sums
}

/** Of employees, by line; -1 for others. */
export function wagesOf(lines: readonly Line[]): number[] {
  return lines.map((line) => (line.category === 'employee' ? readYuan(line.wage) : -1))
}

/**
 * Where a unit has a base of its own, it is at least the sum of what its persons pay on.
 * @returns the sum, in fen, that it is below
 */
export function sumAbove(
  unitBase: string,
  basesFen: readonly number[],
  { unitBases }: Pick<PeriodRules, 'unitBases'>,
): number | undefined {
  const sum = Math.max(0, ...basesFen.filter((_, k) => unitBases[k] === 'declared'))
  return readYuan(unitBase) < sum ? sum : undefined
}

/** The orders so far and those of further lines, one entry for each day and service, in that order. */
export function addDays(days: readonly OrdersOfDay[], lines: readonly Line[]): OrdersOfDay[] {
  const more = daysOf(lines)
  if (more.length === 0) return [...days]
  const sums = new Map<string, OrdersOfDay>()
  for (const one of [...days, ...more]) {
    const key = `${one.date} ${one.service}`
    sums.set(key, { ...one, orders: one.orders + (sums.get(key)?.orders ?? 0) })
  }
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, sum]) => sum)
}

export function daysOf(lines: readonly Line[]): OrdersOfDay[] {
  return lines.flatMap((line) => (line.category === 'platform' ? line.days : []))
}

/** @param sums of all lines, wherever they lie */
export function assessUnit(
  unitBase: string | undefined,
  rules: PeriodRules,
  { employerPpm }: Rates,
  sums: UnitSums,
): AssessedAmount[] {
  const unit: AssessedAmount[] = []
  for (let k = 0; k < insurances.length; k += 1) {
    const insurance = insurances[k] as (typeof insurances)[number]
    const kind = rules.unitBases[k]
    if (kind === undefined) continue
    if (kind === 'declared' && unitBase === undefined) {
      // Without employees nobody pays on a base, and none is asked for.
      if (sums.basesFen.every((base) => base === 0)) continue
      throw new RangeError('a unit base that was not checked')
    }
    const baseFen = kind === 'declared' ? readYuan(unitBase) : (sums.basesFen[k] as number)
    const employerFen = exactRounded(baseFen, employerPpm[k] as number, rules)
    unit.push({ insurance, baseFen, employerFen, employeeFen: 0 })
  }
  if (sums.days.length > 0) {
    const days = assessDays(sums.days, rules)
    const employerFen = days.reduce((sum, { amountFen }) => sum + amountFen, 0)
    unit.push({ insurance: 'occupational-injury', baseFen: 0, employerFen, employeeFen: 0 })
  }
  return unit
}

/** A product in millionths of a fen, to fen as the pack rounds; of a whole unit it may leave 2^53. */
function exactRounded(
  one: number,
  other: number,
  { roundingNumbers: { add, divisor, unitFen } }: Pick<PeriodRules, 'roundingNumbers'>,
): number {
  const millionths = BigInt(one) * BigInt(other) + BigInt(add)
  return Number(millionths / BigInt(divisor)) * unitFen
}

export type AssessedDay = {
  readonly date: string
  /** Exact, in millionths of a yuan. */
  readonly microYuan: number
  readonly amountFen: number
  readonly orders: Readonly<Record<string, number>>
}

/** Orders × tariff, added up exactly for each day, then rounded once. In order of days. */
export function assessDays(
  of: readonly OrdersOfDay[],
  rules: Pick<PeriodRules, 'tariffs' | 'roundingNumbers'>,
): AssessedDay[] {
  const tariffs = new Map(
    rules.tariffs.map(({ row }) => [row.service, microYuanOf(row.perOrder)] as const),
  )
  const days = new Map<string, { microYuan: number; orders: Record<string, number> }>()
  for (const { date, service, orders } of of) {
    const tariff = tariffs.get(service)
    if (tariff === undefined) throw new RangeError('a service that was not checked')
    const day = days.get(date) ?? { microYuan: 0, orders: {} }
    day.microYuan += orders * tariff
    day.orders[service] = (day.orders[service] ?? 0) + orders
    days.set(date, day)
  }
  return [...days]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([date, { microYuan, orders }]) => {
      // 10,000 millionths of a yuan are a fen, which the rounding takes in millionths.
      return { date, microYuan, orders, amountFen: exactRounded(microYuan, 100, rules) }
    })
}

/** Millionths of a yuan, from yuan with at most six decimals. */
function microYuanOf(yuan: string): number {
  const [whole = '', decimals = ''] = yuan.split('.')
  return Number(whole) * 1_000_000 + Number(decimals.padEnd(6, '0'))
}
