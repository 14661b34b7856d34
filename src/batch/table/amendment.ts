/**
 * The batch that a file amends. Rejected rows keep the time at which they were first filed, as a filing
 * with an attempt ticket does.
 */
import type pg from 'pg'
import { amendmentCountsMicros } from '../../limits.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import type { RequestedKind } from '../state/requested-kind.ts'

export type Amendment = {
  /** The first batch of the family. */
  readonly first: string
  readonly kind: RequestedKind
  /**
   * When the first file was received: amended rows count from then. Undefined if they come too late for
   * that.
   */
  readonly attemptedAtMicros: number | undefined
}

/** What a batch amends, once its header is read; undefined for any other file. */
export async function findAmendment(
  pool: pg.Pool,
  { batch, receivedAtMicros }: LeasedBatch,
): Promise<Amendment | undefined> {
  const { rows } = await pool.query<{ id: string; kind: RequestedKind; received_at: string }>({
    name: 'find-amendment',
    text: `
      select f.id, f.kind, (extract(epoch from f.received_at) * 1000000)::bigint as received_at
      from batch.batch b
      join batch.batch f on f.id = b.first
      where b.id = $1`,
    values: [batch],
  })
  const [row] = rows
  if (row === undefined) return undefined
  const firstAtMicros = Number(row.received_at)
  const counts = receivedAtMicros < firstAtMicros + amendmentCountsMicros
  return {
    first: row.id,
    kind: row.kind,
    attemptedAtMicros: counts ? firstAtMicros : undefined,
  }
}

/** What the rows are sent as: as the first file's, unless this file names another kind. */
export function requestedKindOf(
  { kind }: LeasedBatch,
  amendment: Amendment | undefined,
): RequestedKind {
  return kind === 'regular' && amendment !== undefined ? amendment.kind : kind
}
