/**
 * The outage ledger: windows in which filings were refused or could not be committed, and who tried then.
 * Intake processes write it, once they can reach the database.
 */
import type pg from 'pg'

export type OutageCause =
  | 'commit'
  | 'keys'
  | 'off'
  | 'journal'
  | 'requests'
  | 'loop'
  | 'memory'
  | 'disk'

/** Instants in milliseconds since 1970. */
export type OutageWindow = {
  readonly number: number
  readonly beganMs: number
  readonly lastMs: number
  readonly ended: boolean
  readonly cause: OutageCause
  /** Filings not let in, and filings whose commit failed. */
  readonly refused: number
  readonly failed: number
}

/** Somebody who was refused and holds a ticket, or some that were given in a row. */
export type RecordedAttempts = {
  readonly firstMs: number
  readonly lastMs: number
  readonly tickets: number
  readonly subject: string
  readonly employer: string | undefined
  readonly reason: string
}

/**
 * Writes windows and attempts. The same window again takes the place of what was written before, unless that went
 * on for longer: what comes late is older.
 */
export async function saveOutages(
  pool: pg.Pool,
  process: string,
  windows: readonly OutageWindow[],
  attempts: readonly RecordedAttempts[],
): Promise<void> {
  for (const { number, beganMs, lastMs, ended, cause, refused, failed } of windows) {
    await pool.query({
      name: 'save-outage',
      text: `
        insert into journal.outage
          (process, number, began_at, last_at, ended_at, cause, refused, failed)
        values ($1, $2, to_timestamp($3), to_timestamp($4),
          case when $5 then to_timestamp($4) end, $6, $7, $8)
        on conflict (process, number) do update
        set last_at = excluded.last_at, ended_at = excluded.ended_at,
          refused = excluded.refused, failed = excluded.failed
        where outage.last_at <= excluded.last_at`,
      values: [process, number, beganMs / 1_000, lastMs / 1_000, ended, cause, refused, failed],
    })
  }
  if (attempts.length === 0) return
  await pool.query({
    name: 'save-attempts',
    text: `
      insert into journal.attempt (at, last_at, tickets, subject, employer, reason)
      select to_timestamp(a.at), to_timestamp(a.last_at), a.tickets, a.subject, a.employer, a.reason
      from unnest($1::float8[], $2::float8[], $3::int[], $4::text[], $5::text[], $6::text[])
        as a (at, last_at, tickets, subject, employer, reason)`,
    values: [
      attempts.map(({ firstMs }) => firstMs / 1_000),
      attempts.map(({ lastMs }) => lastMs / 1_000),
      attempts.map(({ tickets }) => tickets),
      attempts.map(({ subject }) => subject),
      attempts.map(({ employer }) => employer ?? null),
      attempts.map(({ reason }) => reason),
    ],
  })
}

export type ListedOutage = {
  readonly process: string
  readonly beganAt: Date
  readonly lastAt: Date
  readonly endedAt: Date | null
  readonly cause: OutageCause
  readonly refused: number
  readonly failed: number
}

/** Windows that began or went on between two instants, in microseconds since 1970, oldest first. */
export async function listOutages(
  pool: Pick<pg.Pool, 'query'>,
  fromMicros: number,
  untilMicros: number,
): Promise<ListedOutage[]> {
  const { rows } = await pool.query<ListedOutage>(
    `select process, began_at as "beganAt", last_at as "lastAt", ended_at as "endedAt",
       cause, refused, failed
     from journal.outage
     where began_at < to_timestamp($2::float8) and last_at >= to_timestamp($1::float8)
     order by began_at`,
    [fromMicros / 1_000_000, untilMicros / 1_000_000],
  )
  return rows
}

export type AttemptsOfFiler = {
  readonly subject: string
  readonly employers: readonly string[]
  readonly attempts: number
  readonly first: Date
  readonly last: Date
}

/** Who tried and was refused between two instants, with a ticket; by subject. */
export async function listAttempts(
  pool: Pick<pg.Pool, 'query'>,
  fromMicros: number,
  untilMicros: number,
): Promise<AttemptsOfFiler[]> {
  const { rows } = await pool.query<AttemptsOfFiler>(
    `select subject, sum(tickets)::int as attempts, min(at) as first, max(coalesce(last_at, at)) as last,
       coalesce(array_agg(distinct employer) filter (where employer is not null), '{}') as employers
     from journal.attempt
     where at >= to_timestamp($1::float8) and at < to_timestamp($2::float8)
     group by subject
     order by subject`,
    [fromMicros / 1_000_000, untilMicros / 1_000_000],
  )
  return rows
}
