/**
 * The check of a declaration with its region's policy, and its assessment: one function for intake,
 * pre-check, worker, command line and browser, so that all of them find and count the same.
 */

import type { FindingCode } from '../declaration/catalogue/catalogue.ts'
import { type CheckedDeclaration, checkDeclaration } from '../declaration/check.ts'
import type { FindingList, FindingParams, Report } from '../declaration/findings.ts'
import { formatFen, isNear, readYuan } from '../declaration/money.ts'
import { dayOf, formatDeadline } from '../declaration/period.ts'
import type { Declaration } from '../declaration/schema.ts'
import { type Assessment, assessDeclaration, type OtherParts } from './assess.ts'
import { checkOtherLine } from './check-line.ts'
import type { PeriodRules, Policies, RulesOutcome } from './rules.ts'
import { addBases, noSums, sumAbove } from './unit.ts'

export type FilingContext = {
  readonly policies: Policies
  /** When it is filed, microseconds since 1970. */
  readonly nowMicros: number
  /** Errors kept to be shown, and other findings kept; all are counted. */
  readonly keptMax: number
  /** The pack to use; the region's current one when absent. */
  readonly policyHash?: string | undefined
  /** Lines looked at; as many as a declaration may have when absent. */
  readonly linesMax?: number
}

/** A declaration that nothing refuses. */
export type ValidFiling = {
  readonly declaration: Declaration
  readonly rules: PeriodRules
  assess(others?: OtherParts): Assessment
}

export type CheckedFiling = {
  readonly findings: FindingList
  /** Undefined where there is an error. */
  readonly valid: ValidFiling | undefined
}

/** Every finding about a body, and what it comes to. Never throws, whatever the body is. */
export function checkFiling(body: unknown, context: FilingContext): CheckedFiling {
  const { nowMicros, keptMax, linesMax } = context
  const today = dayOf(nowMicros)
  const checked = checkDeclaration(body, { today, keptMax, linesMax })
  const { findings, wagesFen } = checked
  const report = findings.reportAt(-1)
  const rules = findRules(checked, today, context)
  if (rules?.kind === 'rules') {
    checkClosing(checked, rules, nowMicros, report)
    checkFloat(checked, rules, report)
    checkUnitBase(checked, rules, report)
    checkWages(checked, rules)
    for (let i = 0; i < checked.lines.length; i += 1) {
      const line = checked.lines[i]
      if (line === undefined || line.category === 'employee') continue
      checkOtherLine(line, rules, today, findings.reportAt(i))
    }
  } else if (rules !== undefined) reportNoRules(rules, report)
  if (findings.errors > 0 || rules?.kind !== 'rules') return { findings, valid: undefined }
  const declaration = body as Declaration
  const assess = (others?: OtherParts) => assessDeclaration(declaration, rules, wagesFen, others)
  return { findings, valid: { declaration, rules, assess } }
}

/** The rules of region and period, wherever the two are well-formed, even in a malformed body. */
function findRules(
  { header: { region, period } }: CheckedDeclaration,
  today: string,
  { policies, policyHash }: FilingContext,
): RulesOutcome | undefined {
  if (region === undefined || period === undefined) return undefined
  // A period in the future has its own finding; the region is checked all the same.
  const known = period <= today ? period : today.slice(0, 7)
  return policyHash === undefined
    ? policies.rulesFor(region, known)
    : policies.rulesOf(policyHash, known)
}

function reportNoRules(rules: Exclude<RulesOutcome, PeriodRules>, report: Report): void {
  switch (rules.kind) {
    case 'unknownRegion':
      report('/region', 'REGION_UNKNOWN', { regions: rules.regions.join(', ') })
      break
    case 'beforePack':
      report('/period', 'PERIOD_BEFORE_PACK', { first: rules.first })
      break
    case 'notCovered':
      report('/period', 'PERIOD_NOT_COVERED', { note: rules.note })
      break
  }
}

/** A late filing is accepted unless the pack refuses it; replacements may close before. */
function checkClosing(
  { header: { kind } }: CheckedDeclaration,
  { deadlineMicros, refuseLate, replacementsCloseMicros }: PeriodRules,
  nowMicros: number,
  report: Report,
): void {
  if (nowMicros >= deadlineMicros) {
    const deadline = formatDeadline(deadlineMicros)
    report('/period', refuseLate ? 'PERIOD_CLOSED' : 'PERIOD_LATE', { deadline })
    return
  }
  if (replacementsCloseMicros === undefined || kind === undefined || kind === 'regular') return
  if (nowMicros < replacementsCloseMicros) return
  report('/kind', 'REPLACEMENT_CLOSED', { deadline: formatDeadline(replacementsCloseMicros) })
}

function checkFloat({ header }: CheckedDeclaration, rules: PeriodRules, report: Report): void {
  const { industryClass, workInjuryFloat } = header
  if (rules.ratesFor(industryClass, workInjuryFloat) !== undefined) return
  report('/workInjuryFloat', 'FLOAT_NOT_OFFERED', {
    class: industryClass ?? rules.defaultIndustryClass,
    allowed: rules.floatsOf(industryClass).join(', '),
  })
}

function checkUnitBase(checked: CheckedDeclaration, rules: PeriodRules, report: Report): void {
  const { unitBase, kind } = checked.header
  if (!rules.unitBases.includes('declared') || kind === 'cancellation') {
    if (unitBase !== undefined) report('/unitBase', 'UNIT_BASE_NOT_USED')
    return
  }
  if (unitBase === undefined) {
    report('/unitBase', 'UNIT_BASE_MISSING')
    return
  }
  const sum = sumAbove(unitBase, addBases(noSums.basesFen, checked.wagesFen, rules), rules)
  if (sum === undefined) return
  const suggestion = isNear(sum, readYuan(unitBase)) ? formatFen(sum) : undefined
  report('/unitBase', 'UNIT_BASE_BELOW_SUM', { sum: formatFen(sum) }, suggestion)
}

/** A wage this many times the ceiling is more likely one of a year. */
const yearlyCeilings = 3
/** As many fen are in a yuan: a wage above so many floors may be in fen. */
const fenFloors = 100

/** Warns of wages that are clamped, and to what. The first limit is pension's, which all know. */
function checkWages({ wagesFen, findings }: CheckedDeclaration, rules: PeriodRules): void {
  const floor = rules.floorsFen[0] as number
  const ceiling = rules.ceilingsFen[0] as number
  for (let i = 0; i < wagesFen.length; i += 1) {
    const wage = wagesFen[i] as number
    if ((wage < floor || wage > ceiling) && wage >= 0) warnOfWage(i, wage, rules, findings)
  }
}

function warnOfWage(line: number, wage: number, rules: PeriodRules, findings: FindingList): void {
  const floor = rules.floorsFen[0] as number
  const ceiling = rules.ceilingsFen[0] as number
  const since = rules.limits[0]?.row.from ?? ''
  const warn = (code: FindingCode, params?: FindingParams, suggestion?: string) =>
    findings.add(line, '/wage', code, params, suggestion)
  if (wage < floor) warn('WAGE_BELOW_FLOOR', { limit: formatFen(floor), since })
  else if (wage >= floor * fenFloors) {
    // What has decimals is no number of fen.
    warn('WAGE_LOOKS_FEN', undefined, wage % 100 === 0 ? formatFen(wage / 100) : undefined)
  } else if (wage > ceiling * yearlyCeilings) {
    warn('WAGE_LOOKS_YEARLY', undefined, formatFen(Math.round(wage / 12)))
  } else warn('WAGE_ABOVE_CEILING', { limit: formatFen(ceiling), since })
}
