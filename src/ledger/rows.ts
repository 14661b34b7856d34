/**
 * Assessed declarations as ledger rows, in the text form of COPY: one line a row, tabs between
 * columns. No value needs escaping, and it is asserted: codes, ids and digits only, as names
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

/** One statement for each of the texts of `copyTexts`. */
export const copyStatements: readonly string[] = [
  `copy declaration (
      envelope, position, id, employer, period, region, kind, replaces, industry_class, lines,
      policy_hash, provisional, ${amountColumns}
    ) from stdin`,
  `copy line (
      envelope, position, line, person, category, change, wage_fen, ${amountColumns}
    ) from stdin`,
]

const absent = '\\N'

/** The rows of these declarations, and those of their lines. */
export function copyTexts(prepared: readonly PreparedDeclaration[]): readonly string[] {
  let declarations = ''
  let lines = ''
  for (const one of prepared) {
    declarations += declarationRow(one)
    lines += lineRows(one)
  }
  return [declarations, lines]
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
  const sequence = `${envelope}\t${position}`
  for (let i = 0; i < lines.length; i += 1) {
    const { category, change } = lines[i] as (typeof lines)[number]
    const { wageFen, baseFen, employerFen, employeeFen } = assessment.lines[i] as AssessedLine
    rows += `${sequence}\t${i}\t\\\\x${persons[i]}\t${category}\t${change}\t${wageFen}`
    for (let k = 0; k < insurances.length; k += 1) {
      rows += `\t${baseFen[k]}\t${employerFen[k]}\t${employeeFen[k]}`
    }
    rows += '\n'
  }
  return rows
}
