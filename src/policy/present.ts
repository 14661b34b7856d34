/** An assessment, and a whole pre-check, as they are shown: decimal texts in yuan. */
import { formatFen } from '../declaration/money.ts'
import type { CheckedFiling, ValidFiling } from './check.ts'
import { explainAssessment } from './explain.ts'
import type { AssessedAmount } from './unit.ts'

export type ShownAmount = Omit<AssessedAmount, 'insurance'> & { readonly insurance: string }

export type ShownAssessment = {
  readonly region: string
  readonly policyHash: string
  readonly provisional: boolean
  readonly lines: number
  readonly amounts: readonly ShownAmount[]
}

export function presentAssessment(assessment: ShownAssessment) {
  const { region, policyHash: hash, provisional, lines, amounts } = assessment
  return { policy: { region, hash, provisional }, ...presentAmounts(amounts), lines }
}

/** Amounts, and their sums by who pays. */
export function presentAmounts(amounts: readonly ShownAmount[]) {
  const sum = (side: 'employerFen' | 'employeeFen') =>
    formatFen(amounts.reduce((total, amount) => total + amount[side], 0))
  return {
    amounts: amounts.map(({ insurance, baseFen, employerFen, employeeFen }) => ({
      insurance,
      base: formatFen(baseFen),
      employer: formatFen(employerFen),
      employee: formatFen(employeeFen),
    })),
    total: { employer: sum('employerFen'), employee: sum('employeeFen') },
  }
}

export type CheckPage = {
  readonly findingsMax: number
  /** Lines explained: from which, counted from 0, and how many. */
  readonly lines: { readonly from: number; readonly count: number }
}

/** Everything about a declaration that was checked: its findings, and where valid what it comes to. */
export function presentCheck({ findings, valid }: CheckedFiling, page: CheckPage) {
  const passes = valid !== undefined && findings.errors === 0
  return {
    valid: passes,
    total: findings.total,
    findings: findings.first(page.findingsMax),
    ...(passes && presentValid(valid, page)),
  }
}

function presentValid({ declaration, rules, assess }: ValidFiling, { lines }: CheckPage) {
  const assessment = assess()
  return {
    assessment: presentAssessment({
      region: rules.region,
      policyHash: rules.hash,
      provisional: assessment.provisionalReasons.length > 0,
      lines: declaration.lines?.length ?? 0,
      amounts: assessment.amounts,
    }),
    explanation: explainAssessment(declaration, rules, assessment, lines),
  }
}
