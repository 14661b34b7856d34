/**
 * Checks a declaration against its region's policy and assesses it. Intake, pre-check, worker, command line
 * and browser share this function, so that all of them get the same findings and amounts.
 */

import type { FindingCode } from '../declaration/catalogue/catalogue.ts'
import type { Text } from '../declaration/catalogue/entry.ts'
import { type CheckedDeclaration, checkDeclaration } from '../declaration/check.ts'
import type { FindingList, FindingParams, Report } from '../declaration/findings.ts'
import { formatFen, isNear, readYuan } from '../declaration/money.ts'
import { dayOf, formatDeadline } from '../declaration/period.ts'
import type { Declaration } from '../declaration/schema.ts'
import { type Assessment, assessDeclaration, type OtherParts } from './assess.ts'
import { checkOtherLine } from './check-line.ts'
import { insuranceNames } from './labels.ts'
import { insurances } from './pack.ts'
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

/** A declaration without errors. */
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

/** All findings about a body, and its assessment. Never throws, whatever the body is. */
export function checkFiling(body: unknown, context: FilingContext): CheckedFiling {
  const { nowMicros, keptMax, linesMax } = context
  const today = dayOf(nowMicros)
  const checked = checkDeclaration(body, { today, keptMax, linesMax })
  const { findings, wagesFen } = checked
  const report = findings.reportAt(-1)
  const rules = findRules(checked, today, context)
  if (rules?.kind === 'rules') {
    checkClosing(checked, rules, nowMicros, report)
    const filed = body as Filed
    checkFloat(checked, filed, rules, report)
    checkUnitBase(checked, filed, rules, report)
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

/** A late filing is accepted unless the pack refuses it. Replacements may close before, for good. */
function checkClosing(
  { header: { kind } }: CheckedDeclaration,
  rules: PeriodRules,
  nowMicros: number,
  report: Report,
): void {
  const { deadlineMicros, refuseLate, replacementsCloseMicros: close } = rules
  const isLate = nowMicros >= deadlineMicros
  const deadline = deadlineText(formatDeadline(deadlineMicros), rules)
  if (isLate && refuseLate) report('/period', 'PERIOD_CLOSED', { deadline })
  else if (close !== undefined && isReplacement(kind) && nowMicros >= close) {
    const closed = deadlineText(formatDeadline(close), rules)
    report('/kind', 'REPLACEMENT_CLOSED', { deadline: closed })
  } else if (isLate) report('/period', 'PERIOD_LATE', { deadline })
}

function isReplacement(kind: string | undefined): boolean {
  return kind === 'correction' || kind === 'cancellation'
}

/** Warns if the deadline is an assumption of this system. */
function deadlineText(deadline: string, { deadlineAssumed }: PeriodRules): Text {
  if (!deadlineAssumed) return { 'zh-CN': deadline, en: deadline }
  return {
    'zh-CN': `${deadline}（本系统设定的截止时间，当地时间未核实）`,
    en: `${deadline} (the deadline set here; the local one is not verified)`,
  }
}

/** A body that is an object: a malformed field is there all the same, and has its own finding. */
type Filed = {
  readonly industryClass?: unknown
  readonly unitBase?: unknown
  readonly lines?: unknown
}

function checkFloat(
  { header }: CheckedDeclaration,
  filed: Filed,
  rules: PeriodRules,
  report: Report,
): void {
  const { industryClass, workInjuryFloat } = header
  // Of which class it is a float is not known where the class is malformed.
  if (industryClass === undefined && filed.industryClass !== undefined) return
  if (rules.ratesFor(industryClass, workInjuryFloat) !== undefined) return
  report('/workInjuryFloat', 'FLOAT_NOT_OFFERED', {
    class: industryClass ?? rules.defaultIndustryClass,
    allowed: rules.floatsOf(industryClass).join(', '),
  })
}

function checkUnitBase(
  checked: CheckedDeclaration,
  filed: Filed,
  rules: PeriodRules,
  report: Report,
): void {
  const { unitBase, kind } = checked.header
  const isUsed = rules.unitBases.includes('declared')
  if (filed.unitBase !== undefined && !isUsed) report('/unitBase', 'UNIT_BASE_NOT_USED')
  if (!isUsed || kind === 'cancellation') return
  if (filed.unitBase === undefined && hasEmployees(filed)) report('/unitBase', 'UNIT_BASE_MISSING')
  if (unitBase === undefined) return
  const sum = sumAbove(unitBase, addBases(noSums.basesFen, checked.wagesFen, rules), rules)
  if (sum === undefined) return
  const suggestion = isNear(sum, readYuan(unitBase)) ? formatFen(sum) : undefined
  report('/unitBase', 'UNIT_BASE_BELOW_SUM', { sum: formatFen(sum) }, suggestion)
}

/** Only they pay on a base. Looks at lines as filed: one that is malformed will be an employee's. */
function hasEmployees({ lines }: Filed): boolean {
  return Array.isArray(lines) && lines.some((line) => line?.category === 'employee')
}

/** A wage this many times the ceiling is probably a yearly wage. */
const yearlyCeilings = 3
/** As many fen are in a yuan: a wage above so many floors may be in fen. */
const fenFloors = 100

/** Warns of wages that are clamped, and to what: limits of all insurances, or of some of them. */
function checkWages({ wagesFen, findings }: CheckedDeclaration, rules: PeriodRules): void {
  const floor = Math.max(...rules.floorsFen)
  const ceiling = Math.min(...rules.ceilingsFen)
  for (let i = 0; i < wagesFen.length; i += 1) {
    const wage = wagesFen[i] as number
    if ((wage < floor || wage > ceiling) && wage >= 0) warnOfWage(i, wage, rules, findings)
  }
}

/** What is far off is so by the limits of pension, which come first. */
function warnOfWage(line: number, wage: number, rules: PeriodRules, findings: FindingList): void {
  const floor = rules.floorsFen[0] as number
  const ceiling = rules.ceilingsFen[0] as number
  const warn = (code: FindingCode, params?: FindingParams, suggestion?: string) =>
    findings.add(line, '/wage', code, params, suggestion)
  if (wage >= floor * fenFloors && wage > ceiling) {
    // What has decimals is no number of fen.
    warn('WAGE_LOOKS_FEN', undefined, wage % 100 === 0 ? formatFen(wage / 100) : undefined)
  } else if (wage > ceiling * yearlyCeilings) {
    warn('WAGE_LOOKS_YEARLY', undefined, formatFen(Math.round(wage / 12)))
  } else {
    for (const limit of brokenLimits(wage, rules, 'floor')) warn('WAGE_BELOW_FLOOR', limit)
    for (const limit of brokenLimits(wage, rules, 'ceiling')) warn('WAGE_ABOVE_CEILING', limit)
  }
}

/** The limits that a wage is beyond, each once, with the insurances that have it. */
function brokenLimits(
  wage: number,
  { floorsFen, ceilingsFen, limits }: PeriodRules,
  kind: 'floor' | 'ceiling',
): FindingParams[] {
  const groups = new Map<string, number[]>()
  for (let k = 0; k < limits.length; k += 1) {
    const limit = (kind === 'floor' ? floorsFen : ceilingsFen)[k] as number
    if (kind === 'floor' ? wage >= limit : wage <= limit) continue
    const { row, carried } = limits[k] as PeriodRules['limits'][number]
    const key = `${formatFen(limit)} ${row.from} ${carried ? 'carried' : ''}`
    groups.set(key, [...(groups.get(key) ?? []), k])
  }
  return [...groups].map(([key, of]) => {
    const [limit = '', since = '', carried] = key.split(' ')
    const names = insurances.filter((_, k) => of.includes(k)).map((name) => insuranceNames[name])
    const isAll = names.length === limits.length
    return {
      limit,
      since,
      of: {
        'zh-CN': isAll ? '' : names.map((name) => name['zh-CN']).join('、'),
        en: isAll ? '' : ` of ${names.map((name) => name.en).join(', ')}`,
      },
      carried: {
        'zh-CN': carried ? '；该期未核实，暂用' : '',
        en: carried ? '; standing in, as this period is not verified' : '',
      },
    }
  })
}
