/**
 * Dead letters: declarations that could not be posted, kept with the reason for the operator. The
 * reason never quotes data: class, code and place of the error, as its message may hold a row.
 */
import type pg from 'pg'
import type { Lane } from '../journal/lanes.ts'

export type DeadLetter = {
  readonly id: string
  readonly position: number
  /** SQLSTATE, or the error's class. */
  readonly code: string
  readonly reason: string
}

/** The dead letter of a declaration for an error. */
export function deadLetterOf(
  { id, position }: Pick<DeadLetter, 'id' | 'position'>,
  error: unknown,
): DeadLetter {
  const { name, code, table, column, constraint, stack } = error as Error & Record<string, unknown>
  const place = [table, column, constraint].filter((part) => part !== undefined).join('.')
  const frame =
    stack
      ?.split('\n')
      .find((line) => /^\s+at /.test(line))
      ?.trim() ?? ''
  return {
    id,
    position,
    code: typeof code === 'string' ? code : (name ?? 'unknown'),
    reason: place === '' ? frame : place,
  }
}

export async function insertDeadLetters(
  client: pg.PoolClient,
  envelope: bigint,
  lane: Lane,
  deadLetters: readonly DeadLetter[],
): Promise<void> {
  for (const { id, position, code, reason } of deadLetters) {
    await client.query(
      `insert into dead_letter (envelope, position, id, lane, code, reason)
       values ($1, $2, $3, $4, $5, $6)`,
      [envelope, position, id, lane, code, reason],
    )
  }
}

/** Dead letters by lane. */
export async function countDeadLetters(pool: pg.Pool): Promise<Map<Lane, number>> {
  const { rows } = await pool.query<{ lane: Lane; count: string }>(
    'select lane, count(*) from ledger.dead_letter group by lane',
  )
  return new Map(rows.map(({ lane, count }) => [lane, Number(count)]))
}
