/**
 * The difference that another pack makes to a declaration: later amounts less earlier ones, line by
 * line and as a whole, and why. It follows from the declaration and the two packs alone.
 */
import type { Declaration, Line } from '../declaration/schema.ts'
import {
  type Assessment,
  amountNames,
  assessDeclaration,
  flexibleMedicalRate,
  lineStride,
  type OtherParts,
  roundedFen,
} from './assess.ts'
import { insurances } from './pack.ts'
import { type PeriodRules, ppm } from './rules.ts'

/** What made an amount change: a limit, a chosen tier's base, a rate or flat amount, the unit's part. */
export const causes = ['floor', 'ceiling', 'tier', 'rate', 'unit'] as const
export type Cause = (typeof causes)[number]

export type Difference = {
  /** Base, employer, employee for each insurance, of the declaration as a whole. */
  readonly totalsFen: readonly number[]
  readonly occupationalInjuryFen: number
  /** Lines whose amounts change, counted from 0, with the same numbers. */
  readonly lines: readonly { readonly line: number; readonly fen: readonly number[] }[]
  /** What both sides pay more, by what made it so; they add up to the totals. */
  readonly causesFen: Readonly<Record<Cause, number>>
  readonly provisional: boolean
  /** Nothing changes, not even whether it is provisional. */
  readonly none: boolean
}

/**
 * @param others of a part, what it is assessed beside, by the earlier and the later pack
 * @throws RangeError where the later pack has no float, tier or service that the declaration names
 */
export function differenceOf(
  declaration: Declaration,
  before: PeriodRules,
  after: PeriodRules,
  others: readonly OtherParts[] = [],
): Difference {
  const earlier = assessDeclaration(declaration, before, undefined, others[0])
  const later = assessDeclaration(declaration, after, undefined, others[1])
  const lines = changedLines(earlier, later)
  const causesFen = causesOf(declaration, { before, after }, lines, later)
  const [was, is] = [totalsOf(earlier), totalsOf(later)]
  const totalsFen = is.map((value, j) => value - (was[j] as number))
  const paid = totalsFen.reduce((sum, value, j) => (isBase(j) ? sum : sum + value), 0)
  causesFen.unit = paid - causesFen.floor - causesFen.ceiling - causesFen.tier - causesFen.rate
  const provisional = later.provisionalReasons.length > 0
  const same = totalsFen.every((value) => value === 0) && lines.length === 0
  return {
    totalsFen: totalsFen.slice(0, -1),
    occupationalInjuryFen: totalsFen.at(-1) as number,
    lines,
    causesFen,
    provisional,
    none: same && provisional === earlier.provisionalReasons.length > 0,
  }
}

/** Whether a number of `totalsOf` is a base: the first of an insurance's amounts. */
function isBase(j: number): boolean {
  const { length } = amountNames
  return j < length * insurances.length && amountNames[j % length] === 'base'
}

function changedLines(earlier: Assessment, later: Assessment): Difference['lines'] {
  const lines: { line: number; fen: number[] }[] = []
  const count = later.linesFen.length / lineStride
  for (let line = 0; line < count; line += 1) {
    const start = line * lineStride + 1
    const fen = later.linesFen
      .slice(start, start + lineStride - 1)
      .map((value, j) => value - (earlier.linesFen[start + j] as number))
    if (fen.some((value) => value !== 0)) lines.push({ line, fen })
  }
  return lines
}

type BothRules = { readonly before: PeriodRules; readonly after: PeriodRules }

/**
 * The additional amounts of the lines, by cause. If base and rate both change, the base's part is its change
 * at the earlier rate, and the rest belongs to the rate.
 */
function causesOf(
  declaration: Declaration,
  rules: BothRules,
  changed: Difference['lines'],
  later: Assessment,
): Record<Cause, number> {
  const causesFen = { floor: 0, ceiling: 0, tier: 0, rate: 0, unit: 0 }
  for (const { line, fen } of changed) {
    const filed = declaration.lines?.[line]
    for (let k = 0; k < insurances.length && filed !== undefined; k += 1) {
      const [more = 0, employer = 0, employee = 0] = fen.slice(3 * k, 3 * k + 3)
      const base = later.linesFen[line * lineStride + 1 + 3 * k] as number
      const paid = (on: number, rate: number) => roundedFen(on * rate, rules.before)
      const ofBase = earlierRates(declaration, filed, k, rules.before)
        .map((rate) => paid(base, rate) - paid(base - more, rate))
        .reduce((sum, one) => sum + one, 0)
      causesFen[causeOf(filed.category, base, k, rules)] += ofBase
      causesFen.rate += employer + employee - ofBase
    }
  }
  return causesFen
}

/** The reason why a base changed: it is at a limit now, or was before. */
function causeOf(
  category: Line['category'],
  base: number,
  k: number,
  { before, after }: BothRules,
): Cause {
  if (category === 'flexible') return insurances[k] === 'pension' ? 'tier' : 'floor'
  if (base === after.floorsFen[k] || base < (before.floorsFen[k] as number)) return 'floor'
  return 'ceiling'
}

/** In millionths: the employer's and the person's, as the earlier pack had them. */
function earlierRates(
  { industryClass, workInjuryFloat }: Declaration,
  line: Line,
  k: number,
  before: PeriodRules,
): readonly number[] {
  if (line.category === 'platform') return []
  if (line.category === 'employee') {
    const rates = before.ratesFor(industryClass, workInjuryFloat)
    return [rates?.employerLinePpm[k] ?? 0, rates?.employeePpm[k] ?? 0]
  }
  const { flexible } = before
  if (flexible === undefined) return []
  if (insurances[k] === 'pension') return [ppm(flexible.pension.row.rate)]
  return insurances[k] === 'medical' ? [ppm(flexibleMedicalRate(line, flexible) ?? '0')] : []
}

/** Three numbers for each insurance, then occupational injury. */
function totalsOf({ amounts }: Assessment): number[] {
  const numbers = insurances.flatMap((_, k) => {
    const { baseFen = 0, employerFen = 0, employeeFen = 0 } = amounts[k] ?? {}
    return [baseFen, employerFen, employeeFen]
  })
  const injury = amounts.find(({ insurance }) => insurance === 'occupational-injury')
  return [...numbers, injury?.employerFen ?? 0]
}
