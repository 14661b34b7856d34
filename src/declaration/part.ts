/**
 * A declaration with more lines than one envelope should hold is split into parts. Each part is filed,
 * stored and posted by itself, and all come into force in one step. The last part is the head: it has the
 * declaration's id and is accepted after all others. The head also carries what the employer pays for the
 * full unit, because that follows from all lines.
 */
import type { PlatformLine } from './schema.ts'

export type OrdersOfDay = PlatformLine['days'][number]

/** What the unit's amounts are made of, of lines that lie elsewhere; sums of sums are sums. */
export type UnitSums = {
  /** Of employees, in fen, by insurance; 0 where the pack that the head is filed under asks for none. */
  readonly basesFen: readonly number[]
  /** One entry for each day and service. */
  readonly days: readonly OrdersOfDay[]
}

/** Of the parts before the head: their sums, and their ids, as another pack makes other bases of them. */
export type PartsBefore = UnitSums & { readonly ids: readonly string[] }

export type Part = {
  /** The head's id. */
  readonly of: string
  /** From 1; the head's is `count`. */
  readonly number: number
  readonly count: number
  /** The head has what it pays the unit's amounts by. Absent: each part pays them for its own lines. */
  readonly unit?: 'paid by the head' | PartsBefore
}

export function isHead({ number, count }: Part): boolean {
  return number === count
}
