/**
 * Accepted and unposted envelopes: the sweeper's list, the operator's backlog, and how long commits of
 * acceptance take meanwhile.
 */
import type pg from 'pg'
import { stuckEnvelopesMax } from '../../limits.ts'
import type { Lane } from '../lanes.ts'

export type UnpostedEnvelope = { readonly number: bigint; readonly lane: Lane }

/**
 * The next unposted envelopes after a number, oldest first, that are older than a given age. Put-off
 * envelopes are left out: they have a time of their own.
 */
export async function findUnposted(
  client: pg.Pool | pg.PoolClient,
  page: { readonly after: bigint; readonly ageMsMin: number; readonly limit: number },
): Promise<UnpostedEnvelope[]> {
  const { rows } = await client.query<{ envelope: string; lane: Lane }>({
    name: 'find-unposted',
    text: `
      select envelope, lane
      from journal.unposted u
      where envelope > $1
        and committed_at < now() - $2::integer * interval '1 millisecond'
        and not exists (select from journal.put_off p where p.envelope = u.envelope)
      order by envelope
      limit $3`,
    values: [page.after, page.ageMsMin, page.limit],
  })
  return rows.map(({ envelope, lane }) => ({ number: BigInt(envelope), lane }))
}

export type Backlog = {
  readonly lane: Lane
  readonly envelopes: number
  readonly declarations: number
  /** Age of the oldest accepted and unposted declaration. */
  readonly oldestSeconds: number
}

/** The backlog by lane; lanes without one are left out. Costs what the backlog is. */
export async function readBacklog(pool: pg.Pool): Promise<Backlog[]> {
  const { rows } = await pool.query<
    Record<'lane' | 'envelopes' | 'declarations' | 'oldest', string>
  >({
    name: 'read-backlog',
    text: `
      select
        lane,
        count(*) as envelopes,
        sum(declarations) as declarations,
        extract(epoch from now() - min(accepted_at)) as oldest
      from journal.unposted
      group by lane`,
  })
  return rows.map((row) => ({
    lane: row.lane as Lane,
    envelopes: Number(row.envelopes),
    declarations: Number(row.declarations),
    oldestSeconds: Math.max(0, Number(row.oldest)),
  }))
}

/**
 * How long the oldest unposted envelope has waited, in seconds; 0 if none waits. Put-off envelopes do not
 * count, nor do a few more that nothing may be able to post. The cost grows with the put-off envelopes.
 */
export async function readOldestWaitSeconds(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ seconds: number }>({
    name: 'read-oldest-wait',
    text: `
      select extract(epoch from now() - committed_at)::float8 as seconds
      from journal.unposted u
      where not exists (select from journal.put_off p where p.envelope = u.envelope)
      order by envelope
      offset ${stuckEnvelopesMax}
      limit 1`,
  })
  return rows[0]?.seconds ?? 0
}

/** The recent commits that count; older ones say nothing about now. */
const recentCommits = 8
const recentMs = 10_000

/**
 * The average time of acceptance's recent commits in milliseconds, over all intake processes; undefined if
 * there are none, or nothing waits to be posted.
 */
export async function readCommitMs(pool: pg.Pool): Promise<number | undefined> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: 'read-commit-ms',
    text: `
      select avg(commit_ms_before) as ms
      from (
        select commit_ms_before, committed_at
        from journal.unposted
        where lane = 'filing' -- nobody waits for the commits of a file
        order by envelope desc
        limit ${recentCommits}
      ) as latest
      where committed_at > now() - interval '${recentMs} milliseconds'`,
  })
  return rows[0]?.ms ?? undefined
}
