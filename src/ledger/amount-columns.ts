/**
 * The amount columns of the ledger tables, derived by name from the insurances and their amounts. They
 * come in the order in which an assessment lists its numbers, so that COPY puts each into its own column.
 */
import { amountNames } from '../policy/assess.ts'
import { insurances } from '../policy/pack.ts'

/** How the ledger spells each insurance. */
const spellings = {
  pension: 'pension',
  medical: 'medical',
  unemployment: 'unemployment',
  'work-injury': 'work_injury',
} as const satisfies Record<(typeof insurances)[number], string>

/** The base, the employer's and the employee's amount of each insurance. */
export const amountColumns = insurances.flatMap((insurance) =>
  amountNames.map((name) => `${spellings[insurance]}_${name}_fen`),
)
