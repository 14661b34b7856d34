/**
 * Deletes what an ended batch no longer needs: the bytes of its file and its staged rows. Filed
 * declarations are in the journal. Rejected rows stay in the errors file for some months. What remains
 * names no person: counts, employers, ids of declarations, findings. For a file that an operator
 * cancelled, the filed units are settled first, once no worker can be filing it.
 *
 * If the process dies before the commit, nothing is deleted, and the next pass does it.
 */
import type pg from 'pg'
import { deletedAtATime, errorsKeptMs } from '../../limits.ts'
import { settlePage } from '../amending/settle-unfiled.ts'
import type { InTransaction } from '../lease/batch-lease.ts'
import type { Stage } from '../state/stages.ts'

/** Deletes a bounded amount from one batch. @returns false if no batch is left to do */
export function deleteEnded(pool: pg.Pool, inTransaction: InTransaction): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ batch: string; stage: Stage; to_settle: boolean }>({
      name: 'find-ended-batch',
      text: `
        select w.batch, b.stage, w.to_settle
        from batch.work w
        join batch.batch b on b.id = w.batch
        where w.forgotten_at is null
          and b.stage in ('posted', 'checked', 'refused', 'unreadable', 'cancelled')
          and (not w.to_settle or w.leased_until is null or w.leased_until < now())
        limit 1
        for update of w skip locked`,
    })
    const [ended] = rows
    if (ended === undefined) return false
    if (ended.to_settle && (await settlePage(client, ended.batch))) return true
    for (const table of ['chunk', 'piece', 'set_aside']) {
      const { rowCount } = await client.query(
        `delete from batch.${table}
         where ctid in (select ctid from batch.${table} where batch = $1 limit ${deletedAtATime})`,
        [ended.batch],
      )
      if (rowCount === deletedAtATime) return true
    }
    await client.query(
      'update batch.work set forgotten_at = now(), to_settle = false where batch = $1',
      [ended.batch],
    )
    // The errors file of a cancelled batch can't be downloaded.
    if (ended.stage === 'cancelled') await deleteErrorsOf(client, ended.batch)
    return true
  })
}

/** Deletes the rejected rows of one batch that ended long ago. @returns false if there is none */
export function deleteOldErrors(pool: pg.Pool, inTransaction: InTransaction): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ batch: string }>({
      name: 'find-old-errors',
      text: `
        select batch
        from batch.work
        where errors_position is not null
          and forgotten_at < now() - $1 * interval '1 millisecond'
        order by forgotten_at
        limit 1
        for update skip locked`,
      values: [errorsKeptMs],
    })
    const [old] = rows
    if (old !== undefined) await deleteErrorsOf(client, old.batch)
    return old !== undefined
  })
}

/** Also deletes the reading positions, which hold the file's header and may hold rows. */
async function deleteErrorsOf(client: pg.PoolClient, batch: string): Promise<void> {
  await client.query('delete from batch.error_row where batch = $1', [batch])
  await client.query(
    'update batch.work set position = null, errors_position = null where batch = $1',
    [batch],
  )
}
