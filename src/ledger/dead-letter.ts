/**
 * Dead letters: declarations that could not be posted, stored with the reason for the operator. The reason
 * never quotes data: it has the error's class, code and origin, because its message may hold a row.
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

/** Dead letters that are still not posted, by lane. */
export async function countDeadLetters(pool: pg.Pool): Promise<Map<Lane, number>> {
  const { rows } = await pool.query<{ lane: Lane; count: string }>(
    'select lane, count(*) from ledger.open_dead_letter group by lane',
  )
  return new Map(rows.map(({ lane, count }) => [lane, Number(count)]))
}

/** A dead letter as an operator sees it: who filed it and when, and nothing of its content. */
export type ListedDeadLetter = {
  readonly id: string
  readonly envelope: bigint
  readonly position: number
  readonly lane: Lane
  readonly employer: string
  readonly period: string
  readonly kind: string
  readonly code: string
  readonly reason: string
  readonly at: Date
  readonly acceptedAt: Date
  readonly open: boolean
  readonly retries: readonly Retry[]
}

export type Retry = {
  readonly at: string
  /** Of the operating system; and the login of the database, null of before it was kept. */
  readonly operator: string
  readonly login: string | null
  readonly posted: boolean
  readonly code: string | null
  readonly reason: string | null
}

export type DeadLetterQuery = {
  /** Undefined: any. */
  readonly ids: readonly string[] | undefined
  readonly openOnly: boolean
  readonly after: { readonly envelope: bigint; readonly position: number }
  readonly limit: number
}

/** In the order of the journal, a page at a time. */
export async function listDeadLetters(
  pool: pg.Pool,
  { ids, openOnly, after, limit }: DeadLetterQuery,
): Promise<ListedDeadLetter[]> {
  const { rows } = await pool.query<
    Omit<ListedDeadLetter, 'envelope' | 'acceptedAt'> & { envelope: string; accepted_at: Date }
  >({
    name: 'list-dead-letters',
    text: `
      select
        l.id, l.envelope, l.position, l.lane, l.code, l.reason, l.at,
        a.employer, a.period, a.kind, a.accepted_at, o.envelope is not null as open,
        coalesce(
          (
            select json_agg(json_build_object(
              'at', t.at, 'operator', t.operator, 'login', t.login, 'posted', t.posted,
              'code', t.code, 'reason', t.reason
            ) order by t.at)
            from ledger.dead_letter_retry t
            where t.envelope = l.envelope and t.position = l.position
          ),
          '[]'
        ) as retries
      from ledger.dead_letter l
      join journal.acceptance a on a.id = l.id
      left join ledger.open_dead_letter o on o.envelope = l.envelope and o.position = l.position
      where (l.envelope, l.position) > ($1::bigint, $2::integer)
        and ($3::text[] is null or l.id = any($3::text[]))
        and (not $4 or o.envelope is not null)
      order by l.envelope, l.position
      limit $5`,
    values: [after.envelope, after.position, ids ?? null, openOnly, limit],
  })
  return rows.map(({ envelope, accepted_at: acceptedAt, ...row }) => {
    return { ...row, envelope: BigInt(envelope), acceptedAt }
  })
}
