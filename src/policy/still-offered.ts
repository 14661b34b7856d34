/**
 * Whether a declaration of an earlier pack could still be filed under a later one. If not, the filer has
 * not chosen its new amounts: a reassessment reports it to the operator and changes nothing until the filer
 * has corrected it. The rules are those of filing, without deadlines.
 */
import type { FindingCode } from '../declaration/catalogue/catalogue.ts'
import type { Declaration } from '../declaration/schema.ts'
import type { OtherParts } from './assess.ts'
import { checkOtherLine } from './check-line.ts'
import type { PeriodRules } from './rules.ts'
import { addBases, noSums, sumAbove, wagesOf } from './unit.ts'

/** What follows from the pack alone; all else was checked when it was filed. */
const codes: ReadonlySet<FindingCode> = new Set([
  'CATEGORY_NOT_OFFERED',
  'FLEXIBLE_BASE_MISSING',
  'FLEXIBLE_BASE_NOT_OFFERED',
  'FLEXIBLE_MEDICAL_NOT_OFFERED',
  'SERVICE_NOT_OFFERED',
  'TIER_NOT_OFFERED',
])
const noDay = '9999-12-31'

/** @param others of a part, the bases of the parts that its head pays for, by these rules */
export function stillOffered(
  { lines = [], unitBase }: Declaration,
  rules: PeriodRules,
  others: OtherParts = noSums,
): boolean {
  let refused = false
  for (const line of lines) {
    if (line.category === 'employee') continue
    checkOtherLine(line, rules, noDay, (_, code) => {
      refused ||= codes.has(code)
    })
  }
  if (refused) return false
  const basesFen = others === 'paid by the head' ? noSums.basesFen : others.basesFen
  const sums = addBases(basesFen, wagesOf(lines), rules)
  if (unitBase === undefined) {
    return !(rules.unitBases.includes('declared') && sums.some((base) => base > 0))
  }
  return others === 'paid by the head' || sumAbove(unitBase, sums, rules) === undefined
}
