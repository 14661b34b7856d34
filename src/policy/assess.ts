/**
 * Assessment (核定): from declared wages to amounts, in whole fen. For each line, insurance and side:
 * clamp the wage to the limits, multiply, round as the pack says. Totals are sums of rounded lines and of
 * the unit's amounts, so that parts add up to them.
 */
import type { Text } from '../declaration/catalogue/entry.ts'
import { readYuan } from '../declaration/money.ts'
import type { OrdersOfDay, Part, UnitSums } from '../declaration/part.ts'
import type { Declaration, FlexibleLine, Line } from '../declaration/schema.ts'
import { insurances } from './pack.ts'
import { type FlexibleRules, type PeriodRules, ppm, type Rates } from './rules.ts'
import { type AssessedAmount, assessUnit, daysOf, noSums, wagesOf } from './unit.ts'

/** The amounts of one insurance, in the order in which `Assessment.linesFen` lists them. */
export const amountNames = ['base', 'employer', 'employee'] as const
/**
 * Numbers of one line in `Assessment.linesFen`: the declared wage (a flexible worker's chosen base),
 * then the amounts of each insurance.
 */
export const lineStride = 1 + amountNames.length * insurances.length

/** Where the amounts of an insurance begin among a line's numbers. */
const amountsAt = (insurance: (typeof insurances)[number]) =>
  1 + amountNames.length * insurances.indexOf(insurance)
const pensionAt = amountsAt('pension')
const medicalAt = amountsAt('medical')
const medicalIndex = insurances.indexOf('medical')

export type Assessment = {
  /** `lineStride` numbers for each line. */
  readonly linesFen: readonly number[]
  /** What the employer pays for the unit as a whole, beside its lines; empty when nothing. */
  readonly unit: readonly AssessedAmount[]
  /** The orders that are in it. */
  readonly days: readonly OrdersOfDay[]
  /** Sums by insurance, of lines and unit; none for a cancellation. */
  readonly amounts: readonly AssessedAmount[]
  /** Which values stand in for final ones; empty when none does. */
  readonly provisionalReasons: readonly Text[]
}

/** Base times rate must stay an exact integer: 2^53 millionths of a fen are 90 million yuan. */
export const baseFenMax = Math.floor(Number.MAX_SAFE_INTEGER / 1_000_000) - 1

const nothing: Assessment = {
  linesFen: [],
  unit: [],
  days: [],
  amounts: [],
  provisionalReasons: [],
}

/** A line's numbers before anything is assessed; copied, as filling an array takes longer. */
const noFen: readonly number[] = new Array<number>(lineStride).fill(0)

type Assessed = Pick<Declaration, 'lines' | 'industryClass' | 'workInjuryFloat' | 'unitBase'>

/** The sums of the parts before a head; or that the head carries the unit's amounts of this part. */
export type OtherParts = UnitSums | 'paid by the head'

/** Of a declaration as it was filed, under the pack that it was filed under. */
export function otherPartsOf(part: Part | undefined): OtherParts {
  return part?.unit ?? noSums
}

/**
 * Assesses a declaration that was checked before, or a part of one.
 * @param wagesFen wages of employees by line, where they have been read already
 */
export function assessDeclaration(
  declaration: Assessed,
  rules: PeriodRules,
  wagesFen: readonly number[] = wagesOf(declaration.lines ?? []),
  others: OtherParts = noSums,
): Assessment {
  const { lines = [], industryClass, workInjuryFloat, unitBase } = declaration
  if (lines.length === 0) return nothing
  const rates = rules.ratesFor(industryClass, workInjuryFloat)
  if (rates === undefined) throw new RangeError('an industry class or float that was not checked')
  // An array: a typed one costs 2 µs to make, as much as the rest of a small declaration.
  const linesFen = new Array<number>(lines.length * lineStride)
  const sums = noFen.slice()
  const employees = assessEmployees(lines, wagesFen, rules, rates, linesFen, sums)
  const all = sums.slice()
  const flexible = employees === lines.length ? 0 : assessOthers(lines, rules, linesFen, all)
  const own = employees + flexible === lines.length ? [] : daysOf(lines)
  const made = others === 'paid by the head' ? undefined : unitSums(sums, own, others)
  const unit = made === undefined ? [] : assessUnit(unitBase, rules, rates, made)
  const days = made?.days ?? []
  return {
    linesFen,
    unit,
    days,
    amounts: totalsOf(all, unit),
    provisionalReasons:
      employees === lines.length
        ? rules.provisionalReasons
        : reasonsOf(lines, rules, employees > 0 || unit.some(({ baseFen }) => baseFen > 0)),
  }
}

/** The sums of this declaration's lines, and of others. */
function unitSums(
  sums: readonly number[],
  days: readonly OrdersOfDay[],
  others: UnitSums,
): UnitSums {
  return {
    basesFen: others.basesFen.map((base, k) => base + (sums[1 + 3 * k] as number)),
    days: others.days.length === 0 ? days : [...others.days, ...days],
  }
}

/** Of the lists that lines are made with, beside those that employees' are. */
function reasonsOf(
  lines: readonly Line[],
  rules: PeriodRules,
  employees: boolean,
): readonly Text[] {
  const keys = new Set<string>()
  for (const line of lines) {
    if (line.category === 'platform') {
      for (const { service } of line.days) keys.add(`platform/tariffs/${service}`)
    } else if (line.category === 'flexible') addFlexibleKeys(line, rules, keys)
  }
  const reasons = [...(employees ? rules.provisionalReasons : []), ...rules.reasonsOf(keys)]
  return [...new Map(reasons.map((reason) => [reason.en, reason])).values()]
}

function addFlexibleKeys(line: FlexibleLine, { flexible }: PeriodRules, keys: Set<string>): void {
  if (line.tier !== undefined || line.base !== undefined) {
    keys.add('flexible/pensionBases').add('flexible/pensionRates')
    // What may be chosen is within them.
    if (flexible?.bases.row.choice === 'any-within-limits') keys.add('limits/pension')
  }
  if (line.medical === 'none') return
  keys.add('flexible/medical')
  if (flexible?.medical?.row.base === 'floor') keys.add('limits/medical')
}

/** Assesses employees' lines, which are nearly all; returns how many there are. */
function assessEmployees(
  lines: readonly Line[],
  wagesFen: readonly number[],
  { floorsFen, ceilingsFen, flatFen, roundingNumbers }: PeriodRules,
  { employerLinePpm, employeePpm }: Rates,
  linesFen: number[],
  sums: number[],
): number {
  const { add, divisor, unitFen } = roundingNumbers
  const count = insurances.length
  const { employer: employerFlat, employee: employeeFlat } = flatFen
  let employees = 0
  for (let i = 0; i < lines.length; i += 1) {
    if ((lines[i] as Line).category !== 'employee') continue
    employees += 1
    const wage = wagesFen[i] as number
    let at = i * lineStride
    linesFen[at] = wage
    for (let k = 0; k < count; k += 1) {
      const floor = floorsFen[k] as number
      const ceiling = ceilingsFen[k] as number
      const base = wage < floor ? floor : wage > ceiling ? ceiling : wage
      const paid = Math.floor((base * (employerLinePpm[k] as number) + add) / divisor) * unitFen
      const withheld = Math.floor((base * (employeePpm[k] as number) + add) / divisor) * unitFen
      const employer = paid + (employerFlat[k] as number)
      const employee = withheld + (employeeFlat[k] as number)
      linesFen[at + 1] = base
      linesFen[at + 2] = employer
      linesFen[at + 3] = employee
      const j = 1 + 3 * k
      ;(sums[j] as number) += base
      ;(sums[j + 1] as number) += employer
      ;(sums[j + 2] as number) += employee
      at += 3
    }
  }
  return employees
}

/** Assesses all other lines; returns how many are flexible workers'. */
function assessOthers(
  lines: readonly Line[],
  rules: PeriodRules,
  linesFen: number[],
  sums: number[],
): number {
  let flexible = 0
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] as Line
    if (line.category === 'employee') continue
    if (line.category === 'flexible') flexible += 1
    // What platforms pay for orders is assessed for the unit.
    const amounts = line.category === 'flexible' ? assessFlexible(line, rules) : noFen
    for (let j = 0; j < lineStride; j += 1) {
      linesFen[i * lineStride + j] = amounts[j] as number
      if (j > 0) (sums[j] as number) += amounts[j] as number
    }
  }
  return flexible
}

/** The base that a flexible worker has chosen, in fen; undefined when it is not on offer. */
export function chosenBaseFen(
  { tier, base }: Pick<FlexibleLine, 'tier' | 'base'>,
  { bases }: FlexibleRules,
): number | undefined {
  if (base !== undefined) return readYuan(base)
  const offered = bases.row.tiers?.find((one) => one.tier === tier)
  return offered === undefined ? undefined : readYuan(offered.base)
}

/** Percent of the base that a flexible worker pays for medical insurance; undefined for none. */
export function flexibleMedicalRate(
  { medical }: Pick<FlexibleLine, 'medical'>,
  rules: FlexibleRules,
): string | undefined {
  if (medical === 'none') return undefined
  const row = rules.medical?.row
  return medical === 'with-account' ? row?.withAccount : row?.withoutAccount
}

/** A flexible worker pays all of pension and medical alone. */
function assessFlexible(line: FlexibleLine, rules: PeriodRules): number[] {
  const amounts = noFen.slice()
  const { flexible } = rules
  if (flexible === undefined) throw new RangeError('a category that was not checked')
  const chosen = chosenBaseFen(line, flexible)
  const rate = flexibleMedicalRate(line, flexible)
  // Zero in place of what a pack lacks would take away what was posted under another.
  const onChosen = rate !== undefined && flexible.medical?.row.base === 'chosen'
  if (chosen === undefined && (line.tier !== undefined || onChosen)) {
    throw new RangeError('a tier or base that was not checked')
  }
  if (rate === undefined && line.medical !== 'none') {
    throw new RangeError('a medical insurance that was not checked')
  }
  amounts[0] = chosen ?? 0
  if (chosen !== undefined) {
    amounts[pensionAt] = chosen
    amounts[pensionAt + 2] = roundedFen(chosen * ppm(flexible.pension.row.rate), rules)
  }
  if (rate !== undefined) {
    const base =
      flexible.medical?.row.base === 'chosen'
        ? (chosen ?? 0)
        : (rules.floorsFen[medicalIndex] as number)
    amounts[medicalAt] = base
    amounts[medicalAt + 2] = roundedFen(base * ppm(rate), rules)
  }
  return amounts
}

/** Millionths of a fen, never negative, to fen as the pack rounds. */
export function roundedFen(
  millionths: number,
  { roundingNumbers: { add, divisor, unitFen } }: Pick<PeriodRules, 'roundingNumbers'>,
): number {
  if (millionths + add > Number.MAX_SAFE_INTEGER) throw new RangeError('an amount beyond exactness')
  return Math.floor((millionths + add) / divisor) * unitFen
}

function totalsOf(sums: readonly number[], unit: readonly AssessedAmount[]): AssessedAmount[] {
  const totals: AssessedAmount[] = []
  for (let k = 0; k < insurances.length; k += 1) {
    totals.push({
      insurance: insurances[k] as (typeof insurances)[number],
      baseFen: sums[1 + 3 * k] as number,
      employerFen: sums[2 + 3 * k] as number,
      employeeFen: sums[3 + 3 * k] as number,
    })
  }
  for (const made of unit) {
    const k = totals.findIndex(({ insurance }) => insurance === made.insurance)
    const total = totals[k]
    if (total === undefined) totals.push(made)
    else totals[k] = { ...total, employerFen: total.employerFen + made.employerFen }
  }
  return totals
}
