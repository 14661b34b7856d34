/**
 * Checks and assesses the lines of the grid with the functions that intake uses, and tells it in the form that the
 * page shows. Runs in the worker; pure, so that tests compare it with what intake answers.
 */
import { catalogue } from '../../declaration/catalogue/catalogue.ts'
import { type FoundFault, finding } from '../../declaration/findings.ts'
import type { Line } from '../../declaration/schema.ts'
import { type CheckedFiling, checkFiling } from '../../policy/check.ts'
import { explainAssessment } from '../../policy/explain.ts'
import { checkAgainstPrevious, declaredIn } from '../../policy/history.ts'
import { createPolicies, type Policies } from '../../policy/rules.ts'
import type { EditedHeader, EditedLine } from '../grid/row.ts'
import type { Answers, Checked, Explained, Found, FoundGroup } from './protocol.ts'

/** Errors kept, and other findings: three for each line of the largest declaration. */
const keptMax = 30_000
/** Findings of a kind that are written out: the page shows no more. */
const shownOfKindMax = 50

/** @param text a pack, as its hash is of; the hash is verified by who fetched it */
export function policiesOf(text: string, hash: string): Policies {
  return createPolicies({ packs: [JSON.parse(text)], sha256Hex: () => hash })
}

export type Work = {
  readonly policies: Policies
  readonly header: EditedHeader
  readonly lines: readonly EditedLine[]
  readonly before: readonly EditedLine[]
}

export function checkLines(work: Work, nowMs: number): { checked: Checked; filing: CheckedFiling } {
  const filing = checkOf(work, work.lines, nowMs)
  const { findings, valid } = filing
  // What a correction has before it is of the same month, and says nothing of joins and leaves.
  const isOfMonthBefore = work.header.kind !== 'correction' && work.before.length > 0
  if (valid !== undefined && isOfMonthBefore)
    checkAgainstPrevious(valid.declaration.lines ?? [], declaredIn(work.before as Line[]), findings)
  const faults = [...findings.faults(), ...findings.warnings()]
  const assessment = work.lines.length > 0 ? valid?.assess() : undefined
  const isKnown = work.before.length > 0
  const before = isKnown ? checkOf(work, work.before, nowMs).valid?.assess() : undefined
  const rules = work.policies.rulesFor(work.header.region, work.header.period)
  return {
    filing,
    checked: {
      errors: findings.errors,
      warnings: findings.total - findings.errors,
      groups: groupsOf(faults, findings.counts()),
      marks: marksOf(faults, work.lines.length),
      amounts: assessment?.amounts,
      amountsBefore: before?.amounts,
      provisionalReasons: assessment?.provisionalReasons ?? [],
      deadlineMs: rules.kind === 'rules' ? rules.deadlineMicros / 1_000 : undefined,
    },
  }
}

function checkOf(
  { policies, header }: Work,
  lines: readonly EditedLine[],
  nowMs: number,
): CheckedFiling {
  return checkFiling(
    { ...header, lines },
    { policies, nowMicros: Math.round(nowMs * 1_000), keptMax },
  )
}

const weights = { hint: 1, warning: 2, error: 3 } as const

function marksOf(faults: readonly FoundFault[], count: number): Uint8Array {
  const marks = new Uint8Array(count)
  for (const { line, code } of faults) {
    const weight = weights[catalogue[code].severity]
    if (line >= 0 && line < count && weight > (marks[line] as number)) marks[line] = weight
  }
  return marks
}

function groupsOf(
  faults: readonly FoundFault[],
  counts: readonly { readonly code: FoundFault['code']; readonly count: number }[],
): FoundGroup[] {
  const byCode = new Map<string, FoundFault[]>()
  for (const fault of faults) {
    const known = byCode.get(fault.code)
    if (known === undefined) byCode.set(fault.code, [fault])
    else known.push(fault)
  }
  const groups = counts.map(({ code, count }): FoundGroup => {
    const { severity, title } = catalogue[code]
    const found = byCode.get(code) ?? []
    const first = found.slice(0, shownOfKindMax).map(written)
    return {
      code,
      severity,
      title,
      fix: first[0]?.fix ?? title,
      count,
      suggested: found.filter(({ suggestion }) => suggestion !== undefined).length,
      first,
    }
  })
  return groups.sort((one, other) => weights[other.severity] - weights[one.severity])
}

function written({ line, field, code, params, suggestion }: FoundFault): Found {
  const { severity, message, fix } = finding(field, code, params, suggestion)
  return {
    line,
    field,
    code,
    severity,
    message,
    fix,
    ...(suggestion !== undefined && { suggestion }),
  }
}

export function foundOfLine({ findings }: CheckedFiling, line: number): Found[] {
  return [...findings.faults(), ...findings.warnings()]
    .filter((one) => one.line === line)
    .map(written)
}

export function suggestionsOf({ findings }: CheckedFiling, code: string): Answers['suggestions'] {
  return [...findings.faults(), ...findings.warnings()].flatMap((one) =>
    one.code === code && one.line >= 0 && one.suggestion !== undefined
      ? [{ line: one.line, field: one.field, suggestion: one.suggestion }]
      : [],
  )
}

export function explainLine({ valid }: CheckedFiling, line: number): Answers['explain'] {
  if (valid === undefined) return { line: [], unit: [] }
  const { declaration, rules } = valid
  const page = { from: Math.max(0, line), count: line < 0 ? 0 : 1 }
  const explained = explainAssessment(declaration, rules, valid.assess(), page)
  const told = (amounts: readonly Explained[]) =>
    amounts.map(({ insurance, side, amount, sentence }) => ({ insurance, side, amount, sentence }))
  return { line: told(explained.lines[0]?.amounts ?? []), unit: told(explained.unit) }
}
