/** An assessment as it is shown: decimal texts in yuan. */
import { formatFen } from '../declaration/money.ts'
import type { AssessedAmount } from './assess.ts'

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
