/**
 * Assessment (核定): from declared wages to amounts, in whole fen. For each line, insurance and side:
 * clamp the wage to the limits, multiply, round half up to the fen. Totals are sums of rounded
 * lines, so that lines add up to them. No published rounding rule was found; this is the pack's.
 */
import { parseYuan } from '../declaration/money.ts'
import type { Declaration } from '../declaration/schema.ts'
import { type Insurance, insurances } from './pack.ts'
import type { PeriodRules, Rates } from './rules.ts'

/** Amounts of a line, by the order of `insurances`. */
export type AssessedLine = {
  readonly wageFen: number
  readonly baseFen: readonly number[]
  readonly employerFen: readonly number[]
  readonly employeeFen: readonly number[]
}

export type AssessedAmount = {
  readonly insurance: Insurance
  readonly baseFen: number
  readonly employerFen: number
  readonly employeeFen: number
}

export type Assessment = {
  readonly lines: readonly AssessedLine[]
  /** Sums by insurance; none for a cancellation. */
  readonly amounts: readonly AssessedAmount[]
}

/** Base times rate must stay an exact integer: 2^53 millionths of a fen are 90 million yuan. */
const baseFenMax = Math.floor(Number.MAX_SAFE_INTEGER / 1_000_000) - 1

/** Assesses a declaration that was checked before. */
export function assessDeclaration(
  { lines = [], industryClass }: Pick<Declaration, 'lines' | 'industryClass'>,
  rules: PeriodRules,
): Assessment {
  const rates = rules.ratesByClass[industryClass ?? rules.defaultIndustryClass]
  if (rates === undefined || rules.ceilingFen > baseFenMax)
    throw new RangeError('rules out of range')
  const assessed = lines.map(({ wage }) => assessLine(parseYuan(wage), rules, rates))
  if (assessed.length === 0) return { lines: assessed, amounts: [] }
  const amounts = insurances.map((insurance, k) => {
    let baseFen = 0
    let employerFen = 0
    let employeeFen = 0
    for (const line of assessed) {
      baseFen += line.baseFen[k] as number
      employerFen += line.employerFen[k] as number
      employeeFen += line.employeeFen[k] as number
    }
    return { insurance, baseFen, employerFen, employeeFen }
  })
  return { lines: assessed, amounts }
}

function assessLine(
  wageFen: number,
  { floorFen, ceilingFen }: PeriodRules,
  { employerPpm, employeePpm }: Rates,
): AssessedLine {
  const base = Math.min(Math.max(wageFen, floorFen), ceilingFen)
  const of = (ppm: number) => halfUp(base * ppm)
  return {
    wageFen,
    baseFen: [base, base, base, base],
    employerFen: employerPpm.map(of),
    employeeFen: employeePpm.map(of),
  }
}

/** Millionths of a fen, never negative, to fen. By remainder: a quotient could round up to the next. */
function halfUp(millionths: number): number {
  const raised = millionths + 500_000
  return (raised - (raised % 1_000_000)) / 1_000_000
}
