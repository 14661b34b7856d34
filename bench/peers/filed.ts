/** What every system of a team keeps of a checked declaration, and how many it posts at a time. */
import type { Declaration } from '../../src/declaration/schema.ts'

/** A checked declaration on its way to the ledger; what a queue keeps of it, as JSON. */
export type Filed = {
  readonly id: string
  /** Grows in order of acceptance: of an employer's filings for a period, the highest is in force. */
  readonly sequence: number
  readonly acceptedAtMicros: number
  readonly declaration: Declaration
}

/** Declarations that a worker posts at a time, and connections of each process, as its documents ask. */
export const postingAtATime = 20
