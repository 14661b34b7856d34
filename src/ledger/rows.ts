/**
 * Assessed declarations as ledger rows, in the text form of COPY: one line a row, tabs between
 * columns. No value needs escaping, and `copyText` asserts it: codes, ids and digits only, as names
 * and numbers of persons stay in the envelope.
 */
import assert from 'node:assert/strict'
import type { AcceptedDeclaration } from '../journal/read.ts'
import type { AssessedLine, Assessment } from '../policy/assess.ts'
import { insurances } from '../policy/pack.ts'

/** A declaration that is ready to be posted. */
export type PreparedDeclaration = AcceptedDeclaration & {
  readonly envelope: bigint
  readonly assessment: Assessment
  readonly policyHash: string
  readonly provisional: boolean
  /** Blind index of each line's person, hexadecimal. */
  readonly persons: readonly string[]
}

const amountColumns = `
      pension_base_fen, pension_employer_fen, pension_employee_fen,
      medical_base_fen, medical_employer_fen, medical_employee_fen,
      unemployment_base_fen, unemployment_employer_fen, unemployment_employee_fen,
      work_injury_base_fen, work_injury_employer_fen, work_injury_employee_fen`

/** Tables in the order they are written, with the columns of each row. */
export const copyStatements = {
  declaration: `
    copy declaration (
      envelope, position, id, employer, period, region, kind, replaces, industry_class, lines,
      policy_hash, provisional, ${amountColumns}
    ) from stdin`,
  line: `
    copy line (
      envelope, position, line, person, category, change, wage_fen, ${amountColumns}
    ) from stdin`,
} as const

export type CopyTable = keyof typeof copyStatements

const absent = '\\N'

/** The rows of these declarations for one table; empty when there are none. */
export function copyText(table: CopyTable, prepared: readonly PreparedDeclaration[]): string {
  let text = ''
  for (const one of prepared) text += rowsOf[table](one)
  return text
}

const rowsOf: Record<CopyTable, (prepared: PreparedDeclaration) => string> = {
  declaration: declarationRow,
  line: lineRows,
}

function declarationRow(prepared: PreparedDeclaration): string {
  const { envelope, position, id, declaration, assessment, policyHash, provisional } = prepared
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
    provisional,
  ].join('\t')
  assert(!/[\n\r]/.test(row), 'a ledger row must be one line')
  return `${row}${amountsOf(assessment)}\n`
}

/** Twelve columns by the order of `insurances`; zeros for a cancellation. */
function amountsOf({ amounts }: Assessment): string {
  let text = ''
  for (let k = 0; k < insurances.length; k += 1) {
    const { baseFen = 0, employerFen = 0, employeeFen = 0 } = amounts[k] ?? {}
    text += `\t${baseFen}\t${employerFen}\t${employeeFen}`
  }
  return text
}

function lineRows({ envelope, position, declaration, assessment, persons }: PreparedDeclaration) {
  let rows = ''
  const lines = declaration.lines ?? []
  for (let i = 0; i < lines.length; i += 1) {
    const { category, change } = lines[i] as (typeof lines)[number]
    const assessed = assessment.lines[i] as AssessedLine
    rows += `${envelope}\t${position}\t${i}\t\\\\x${persons[i]}\t${category}\t${change}\t${assessed.wageFen}`
    for (let k = 0; k < insurances.length; k += 1) {
      rows += `\t${assessed.baseFen[k]}\t${assessed.employerFen[k]}\t${assessed.employeeFen[k]}`
    }
    rows += '\n'
  }
  return rows
}
