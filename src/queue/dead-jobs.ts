/**
 * What slows the queue in Postgres: rows of jobs that are done and can't be cleared away, because some
 * transaction may still see them (a dump, `replay`, `audit`, a session left open). Each claim of a job
 * walks past all of them: with 8,000 such jobs a worker claimed 107 a second instead of 280, and it gets
 * worse with their number. They are cleared away when that transaction ends.
 */
import type pg from 'pg'

/** Versions of rows of jobs that nobody needs and that are still there, as Postgres counts them. */
export async function countDeadJobs(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ dead: string }>({
    name: 'count-dead-jobs',
    text: `
      select n_dead_tup as dead
      from pg_stat_user_tables
      where schemaname = 'bullmq' and relname = 'job'`,
  })
  return Number(rows[0]?.dead ?? 0)
}
