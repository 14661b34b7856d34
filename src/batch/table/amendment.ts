/**
 * What a mended file amends: the batch that brought its rows first. Rows set aside keep the time when
 * they were filed first, as a filing with an attempt ticket does.
 */
import type pg from 'pg'
import { amendmentCountsMicros } from '../../limits.ts'
import type { LeasedBatch } from '../lease/batch-lease.ts'
import type { RequestedKind } from '../state/requested-kind.ts'

export type Amendment = {
  /** The batch that brought the rows first. */
  readonly first: string
  readonly kind: RequestedKind
  /** When the first file came: mended rows count from then; undefined where they come too late for it. */
  readonly attemptedAtMicros: number | undefined
}

/** What a batch amends, once its file was read so far; undefined for any other file. */
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

/** What the rows are sent as: as those of the first file were, unless this one is sent as something else. */
export function requestedKindOf(
  { kind }: LeasedBatch,
  amendment: Amendment | undefined,
): RequestedKind {
  return kind === 'regular' && amendment !== undefined ? amendment.kind : kind
}
