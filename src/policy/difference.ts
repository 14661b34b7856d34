/**
 * The difference that another pack makes to a declaration: later amounts less earlier ones, line by
 * line and as a whole, and why. It follows from the declaration and the two packs alone.
 */
import type { Declaration } from '../declaration/schema.ts'
import { type Assessment, assessDeclaration, lineStride, type OtherParts } from './assess.ts'
import { insurances } from './pack.ts'
import type { PeriodRules } from './rules.ts'

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
  const lines: { line: number; fen: number[] }[] = []
  const causesFen = { floor: 0, ceiling: 0, tier: 0, rate: 0, unit: 0 }
  const count = later.linesFen.length / lineStride
  for (let line = 0; line < count; line += 1) {
    const start = line * lineStride + 1
    const fen = later.linesFen
      .slice(start, start + lineStride - 1)
      .map((value, j) => value - (earlier.linesFen[start + j] as number))
    if (fen.every((value) => value === 0)) continue
    lines.push({ line, fen })
    const { category } = (declaration.lines ?? [])[line] ?? {}
    for (let k = 0; k < insurances.length; k += 1) {
      const [base = 0, employer = 0, employee = 0] = fen.slice(3 * k, 3 * k + 3)
      const rules = { before, after }
      const cause = base === 0 ? 'rate' : causeOf(category, later.linesFen, start + 3 * k, k, rules)
      causesFen[cause] += employer + employee
    }
  }
  const [was, is] = [totalsOf(earlier), totalsOf(later)]
  const totalsFen = is.map((value, j) => value - (was[j] as number))
  const paid = totalsFen.reduce((sum, value, j) => (j % 3 === 0 && j < 12 ? sum : sum + value), 0)
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

/** Why a base changed: it is at a limit now, or it was. */
function causeOf(
  category: string | undefined,
  linesFen: readonly number[],
  at: number,
  k: number,
  { before, after }: { before: PeriodRules; after: PeriodRules },
): Cause {
  if (category === 'flexible') return k === 0 ? 'tier' : 'floor'
  const base = linesFen[at] as number
  if (base === after.floorsFen[k] || base < (before.floorsFen[k] as number)) return 'floor'
  return 'ceiling'
}

/** Three numbers for each insurance, then occupational injury. */
function totalsOf({ amounts }: Assessment): number[] {
  const numbers = insurances.flatMap((_, k) => {
    const { baseFen = 0, employerFen = 0, employeeFen = 0 } = amounts[k] ?? {}
    return [baseFen, employerFen, employeeFen]
  })
  return [...numbers, amounts[insurances.length]?.employerFen ?? 0]
}
