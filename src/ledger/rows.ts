/**
 * Writes assessed declarations and reassessments as ledger rows in the text format of COPY: one line for
 * each row, tabs between columns. Values are codes, ids and digits, so none needs escaping, and an assertion
 * checks that. Names and numbers of persons stay in the envelope.
 */
import assert from 'node:assert/strict'
import { isHead } from '../declaration/part.ts'
import { type Assessment, lineStride } from '../policy/assess.ts'
import { insurances } from '../policy/pack.ts'
import { amountColumns } from './amount-columns.ts'
import type { PreparedDeclaration } from './prepare.ts'
import type { PreparedReassessment } from './reassessment/reassessment.ts'

/** What an envelope posts. */
export type Postable = PreparedDeclaration | PreparedReassessment

export function isDeclaration(postable: Postable): postable is PreparedDeclaration {
  return 'declaration' in postable
}

const amountList = amountColumns.join(', ')

const copyDeclarations = `copy declaration (
      envelope, position, id, employer, period, region, kind, replaces, industry_class, lines,
      policy_hash, provisional, findings, parts, part_of, occupational_injury_employer_fen,
      ${amountList}
    ) from stdin`
const copyLines = `copy line (
      envelope, position, line, person, category, change, wage_fen, ${amountList}
    ) from stdin`
const copyReassessments = `copy reassessment (
      envelope, position, id, employer, period, region, declaration_envelope, declaration_position,
      follows_envelope, follows_position, policy_hash, policy_hash_before, provisional, lines_changed,
      occupational_injury_employer_fen, ${amountList}
    ) from stdin`
const copyReassessmentLines = `copy reassessment_line (
      envelope, position, line, person, ${amountList}
    ) from stdin`

export type Copies = { readonly statements: readonly string[]; readonly texts: readonly string[] }

/** The COPYs that write these, and the rows for each. */
export function copiesOf(postables: readonly Postable[]): Copies {
  let [declarations, lines, reassessments, reassessmentLines] = ['', '', '', '']
  for (const one of postables) {
    if (isDeclaration(one)) {
      declarations += declarationRow(one)
      lines += lineRows(one)
    } else {
      reassessments += reassessmentRow(one)
      reassessmentLines += reassessmentLineRows(one)
    }
  }
  const copies = [
    { statement: copyDeclarations, text: declarations },
    { statement: copyLines, text: lines },
    { statement: copyReassessments, text: reassessments },
    { statement: copyReassessmentLines, text: reassessmentLines },
  ].filter(({ text }) => text !== '')
  return {
    statements: copies.map(({ statement }) => statement),
    texts: copies.map(({ text }) => text),
  }
}

const absent = '\\N'

function declarationRow(prepared: PreparedDeclaration): string {
  const { envelope, position, id, declaration, assessment, policyHash, findings, part } = prepared
  const { employer, period, region, kind, replaces, industryClass, lines } = declaration
  const row = [
    envelope,
    position,
    id,
    employer,
    period,
    region,
    kind,
    replaces ?? absent,
    industryClass ?? absent,
    lines?.length ?? 0,
    policyHash,
    assessment.provisionalReasons.length > 0,
    findings.map(({ code, count }) => `${code} ${count}`).join(','),
    part?.count ?? 1,
    part === undefined || isHead(part) ? absent : part.of,
    assessment.amounts.find(({ insurance }) => insurance === 'occupational-injury')?.employerFen ??
      0,
  ].join('\t')
  assert(!/[\n\r]/.test(row), 'a ledger row must be one line')
  return `${row}${amountsOf(assessment)}\n`
}

/** The values of `amountColumns`; zeros for a cancellation. */
function amountsOf({ amounts }: Assessment): string {
  let text = ''
  for (const [k, insurance] of insurances.entries()) {
    const amount = amounts[k]
    assert(amount === undefined || amount.insurance === insurance, 'amounts follow `insurances`')
    const { baseFen = 0, employerFen = 0, employeeFen = 0 } = amount ?? {}
    text += `\t${baseFen}\t${employerFen}\t${employeeFen}`
  }
  return text
}

function lineRows({ envelope, position, declaration, assessment, persons }: PreparedDeclaration) {
  let rows = ''
  const { linesFen } = assessment
  const lines = declaration.lines ?? []
  const sequence = `${envelope}\t${position}`
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] as (typeof lines)[number]
    const change = line.category === 'platform' ? 'none' : line.change
    rows += `${sequence}\t${i}\t\\\\x${persons[i]}\t${line.category}\t${change}`
    for (let at = i * lineStride; at < (i + 1) * lineStride; at += 1) rows += `\t${linesFen[at]}`
    rows += '\n'
  }
  return rows
}

function reassessmentRow(prepared: PreparedReassessment): string {
  const { envelope, position, id, order, of, follows, difference } = prepared
  const { totalsFen, occupationalInjuryFen, provisional, lines } = difference
  const row = [
    envelope,
    position,
    id,
    order.employer,
    order.period,
    order.region,
    of.envelope,
    of.position,
    follows?.envelope ?? absent,
    follows?.position ?? absent,
    order.policy,
    order.policyBefore,
    provisional,
    lines.length,
    occupationalInjuryFen,
    ...totalsFen,
  ].join('\t')
  assert(!/[\n\r]/.test(row), 'a ledger row must be one line')
  return `${row}\n`
}

function reassessmentLineRows(prepared: PreparedReassessment): string {
  const { envelope, position, difference, persons } = prepared
  return difference.lines
    .map(({ line, fen }, i) => {
      return `${[envelope, position, line, `\\\\x${persons[i]}`, ...fen].join('\t')}\n`
    })
    .join('')
}
