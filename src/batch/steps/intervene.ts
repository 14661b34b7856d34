/**
 * An operator cancels a file, or has what is not filed of it checked anew. What was filed stays filed.
 * Who did it, when and why is recorded, and the sender sees it as a finding of the file.
 *
 * It is one transaction that locks the batch's row first, as each step of a worker does. A worker that
 * holds the lease meets another stage at its next step and drops the file. A group that it is
 * committing may still be accepted, so filed units are settled only after its lease ends
 * (settle-unfiled.ts).
 *
 * If the process dies
 *  - after any statement, before the commit: nothing has changed and nothing is recorded;
 *  - after the commit: the act is done and recorded, and workers continue from it, whatever happens to
 *    the command. The command run again finds another stage and says so.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import { batchLeaseMs } from '../../limits.ts'
import { fileFinding } from '../findings/file-findings.ts'
import type { InTransaction } from '../lease/batch-lease.ts'
import { RowSet } from '../staging/row-set.ts'
import type { SealingKeys } from '../state/seal.ts'
import { type Stage, transitions } from '../state/stages.ts'
import { openFindings, saveFindings } from '../table/read-progress.ts'

export type OperatorAct = 'cancel' | 'recheck'

export type Intervention = {
  readonly batch: string
  readonly act: OperatorAct
  readonly operator: string
  /** User of the operating system; the database records its own login. */
  readonly osUser?: string
  readonly reason: string
}

export type InterventionOutcome =
  | { readonly kind: 'absent' }
  /** Not possible in this stage. */
  | { readonly kind: 'otherwise'; readonly stage: Stage }
  | { readonly kind: 'done'; readonly rows: { readonly read: number; readonly filed: number } }

export type InterveneDependencies = {
  readonly pool: pg.Pool
  readonly inTransaction: InTransaction
  readonly keys: SealingKeys
}

const eventOf = { cancel: 'stop', recheck: 'recheck' } as const
const findingOf = { cancel: 'FILE_STOPPED', recheck: 'FILE_RECHECKED' } as const

export function intervene(
  { pool, inTransaction, keys }: InterveneDependencies,
  { batch, act, operator, osUser, reason }: Intervention,
): Promise<InterventionOutcome> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ stage: Stage; first: string | null }>(
      `select stage, case when mode <> 'check' then first end as first
       from batch.batch
       where id = $1
       for no key update`,
      [batch],
    )
    const [found] = rows
    if (found === undefined) return { kind: 'absent' }
    const { stage, first } = found
    const next = transitions[stage][eventOf[act]]
    if (next === undefined) return { kind: 'otherwise', stage }
    await client.query('update batch.batch set stage = $2 where id = $1', [batch, next])
    const work = await takeAway(client, batch, act)
    if (first !== null) await reopenRows(client, batch, first)
    // The same file may be sent again: its rows are then checked against the current declarations.
    if (act === 'cancel') await client.query('delete from batch.content where batch = $1', [batch])
    const before = openFindings(keys, batch, work.findings)
    const finding = fileFinding(findingOf[act], {}, { reason })
    await saveFindings(client, keys, batch, [...before, finding])
    await client.query(
      `insert into batch.intervention (batch, act, operator, reason, os_user)
       values ($1, $2, $3, $4, $5)`,
      [batch, act, operator, reason, osUser],
    )
    return { kind: 'done', rows: { read: Number(work.rows_read), filed: Number(work.rows_filed) } }
  })
}

type Work = { rows_read: string; rows_filed: string; findings: Buffer | null }

/**
 * Takes the batch from its worker, whose current statement ends before its lease does. A file that is
 * to be checked anew can't be claimed for the length of a lease, and no longer counts as checked.
 */
async function takeAway(client: pg.PoolClient, batch: string, act: OperatorAct): Promise<Work> {
  const { rows } = await client.query<Work>({
    name: 'take-batch-from-worker',
    text: `
      update batch.work
      set to_settle = true,
        version = version + 1,
        tries = 0,
        changed_at = now(),
        rechecks = rechecks + case when $2 then 1 else 0 end,
        worker = case when $2 then null else worker end,
        leased_until = case when $2 then now() + $3 * interval '1 millisecond' else leased_until end,
        checked_at = case when $2 then null else checked_at end
      where batch = $1
      returning rows_read, rows_filed, findings`,
    values: [batch, act === 'recheck', batchLeaseMs],
  })
  const [work] = rows
  assert(work !== undefined, `${batch} is in progress but has no row in batch.work`)
  return work
}

/**
 * Opens all rows of an amendment again, as before its check. A person who was filed meanwhile is found
 * when the row comes again.
 */
async function reopenRows(client: pg.PoolClient, batch: string, first: string): Promise<void> {
  const { rows } = await client.query<{ rows_open: Buffer; rows_mended: Buffer | null }>(
    `select a.rows_open, w.rows_mended
     from batch.amended a
     join batch.work w on w.batch = $2
     where a.first = $1
     for update of a`,
    [first, batch],
  )
  const [found] = rows
  if (found === undefined || found.rows_mended === null) return
  const open = new RowSet(found.rows_open)
  open.addAll(new RowSet(found.rows_mended))
  await client.query('update batch.amended set rows_open = $2 where first = $1', [
    first,
    open.bytes,
  ])
}

export type ListedBatch = {
  readonly id: string
  readonly stage: Stage
  readonly receivedAt: Date
  readonly changedAt: Date
  readonly rowsGood: number
  readonly rowsFiled: number
  readonly tries: number
}

/** Batches in progress whose filing is not complete, longest unchanged first. */
export async function listInProgress(pool: pg.Pool, limit: number): Promise<ListedBatch[]> {
  const { rows } = await pool.query<{
    id: string
    stage: Stage
    received_at: Date
    changed_at: Date
    rows_good: string
    rows_filed: string
    tries: number
  }>({
    name: 'list-batches-in-progress',
    text: `
      select b.id, b.stage, b.received_at, w.changed_at, w.rows_good, w.rows_filed, w.tries
      from batch.batch b
      join batch.work w on w.batch = b.id
      where b.stage in ('reading', 'checking', 'filing')
      order by w.changed_at
      limit $1`,
    values: [limit],
  })
  return rows.map(({ received_at, changed_at, rows_good, rows_filed, ...batch }) => ({
    ...batch,
    receivedAt: received_at,
    changedAt: changed_at,
    rowsGood: Number(rows_good),
    rowsFiled: Number(rows_filed),
  }))
}
