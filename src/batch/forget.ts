/**
 * What a batch needs no more once it has ended is deleted: the bytes of its file, and its rows between
 * two steps. What was filed of it is in the journal; what was set aside is in its errors file.
 *
 * If the process dies before the commit, nothing is deleted, and the next look does it.
 */
import type pg from 'pg'
import type { InTransaction } from './work.ts'

/** Of one batch at a time; returns false where there is none. */
export function forgetEnded(pool: pg.Pool, inTransaction: InTransaction): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ batch: string }>({
      name: 'find-ended-batch',
      text: `
        select w.batch
        from batch.work w
        join batch.batch b on b.id = w.batch
        where w.forgotten_at is null
          and b.stage in ('posted', 'refused', 'unreadable', 'cancelled')
        limit 1
        for update of w skip locked`,
    })
    const [ended] = rows
    if (ended === undefined) return false
    for (const table of ['chunk', 'piece', 'set_aside']) {
      await client.query(`delete from batch.${table} where batch = $1`, [ended.batch])
    }
    await client.query('update batch.work set forgotten_at = now() where batch = $1', [ended.batch])
    return true
  })
}
