/**
 * Finds declarations in force whose amounts come from another pack than the given one. They come in the
 * journal's order, so that each envelope is opened once.
 */
import type pg from 'pg'
import { outdatedPageMax, outdatedRowsMax } from '../../limits.ts'

export type OutdatedQuery = {
  readonly region: string
  /** Periods `YYYY-MM`, both ends included. */
  readonly from: string
  readonly to: string
  /** Hash of the pack that amounts should come from. */
  readonly policyHash: string
}

export type OutdatedDeclaration = {
  readonly id: string
  readonly employer: string
  readonly period: string
  readonly envelope: bigint
  readonly position: number
  /** Hash of the pack that the amounts come from now: the declaration's, or its last reassessment's. */
  readonly policyHashBefore: string
  /** Id of that last reassessment, or of the declaration. */
  readonly follows: string
  /** Hash of the pack that it was posted with. */
  readonly policyHashFirst: string
  /**
   * Envelopes with reassessments of its employer, period and region that are accepted and not posted yet. If one
   * is of it, what it has now is not known.
   */
  readonly waitsFor: readonly bigint[]
}

type Place = { readonly envelope: string; readonly position: number }

type Row = Place & {
  id: string
  employer: string
  period: string
  before: string
  follows: string
  first: string
  waits_for: string[]
}

/**
 * In pages, by keyset: each is a statement of its own, and nothing is locked. A statement looks at a
 * bounded number of rows, however many declarations of other periods there are: an index by period
 * would be written by every posting, and a run goes through 3 million rows in 6 to 9 s.
 */
export async function* findOutdated(
  pool: pg.Pool,
  query: OutdatedQuery,
): AsyncGenerator<readonly OutdatedDeclaration[]> {
  let after: Place = { envelope: '0', position: -1 }
  for (;;) {
    const end = await findEnd(pool, after)
    for (;;) {
      const rows = await findPage(pool, query, after, end)
      if (rows.length > 0) yield rows.map(outdatedOf)
      if (rows.length < outdatedPageMax) break
      after = rows.at(-1) as Row
    }
    if (end === undefined) return
    after = end
  }
}

/** The last of the next rows; undefined where there are no more than these. */
async function findEnd(pool: pg.Pool, { envelope, position }: Place): Promise<Place | undefined> {
  const { rows } = await pool.query<Place>({
    name: 'find-outdated-end',
    text: `
      select d.envelope, d.position
      from ledger.declaration d
      where (d.envelope, d.position) > ($1::bigint, $2::integer)
      order by d.envelope, d.position
      offset $3
      limit 1`,
    values: [envelope, position, outdatedRowsMax - 1],
  })
  return rows[0]
}

async function findPage(
  pool: pg.Pool,
  { region, from, to, policyHash }: OutdatedQuery,
  after: Place,
  end: Place | undefined,
): Promise<Row[]> {
  const { rows } = await pool.query<Row>({
    name: 'find-outdated',
    text: `
      select d.id, d.employer, d.period, d.envelope, d.position,
        coalesce(last.policy_hash, d.policy_hash) as before,
        coalesce(last.id, d.id) as follows, d.policy_hash as first,
        array(
          select distinct a.envelope
          from journal.acceptance a
          join journal.unposted u on u.envelope = a.envelope
          where a.employer = d.employer and a.period = d.period
            and coalesce(a.region, d.region) = d.region and a.kind = 'reassessment'
        )::text[] as waits_for
      from ledger.declaration d
      left join ledger.whole w on d.parts > 1 and w.id = coalesce(d.part_of, d.id)
      join ledger.in_force f
        on f.employer = d.employer and f.period = d.period and f.region = d.region
        and f.envelope = coalesce(w.head_envelope, d.envelope)
        and f.position = coalesce(w.head_position, d.position)
      left join lateral (
        select r.id, r.policy_hash
        from ledger.reassessment r
        where r.declaration_envelope = d.envelope and r.declaration_position = d.position
        order by r.envelope desc, r.position desc
        limit 1
      ) last on true
      where d.region = $1 and d.period between $2 and $3 and d.kind <> 'cancellation'
        and coalesce(last.policy_hash, d.policy_hash) <> $4
        -- The planner takes two comparisons of rows for most of the table, and would read all of it.
        and d.envelope between $5::bigint and $7::bigint
        and (d.envelope, d.position) > ($5::bigint, $6::integer)
        and (d.envelope, d.position) <= ($7::bigint, $8::integer)
      order by d.envelope, d.position
      limit $9`,
    values: [
      ...[region, from, to, policyHash, after.envelope, after.position],
      ...[end?.envelope ?? lastEnvelope, end?.position ?? 0, outdatedPageMax],
    ],
  })
  return rows
}

/** Beyond all there are. */
const lastEnvelope = `${2n ** 63n - 1n}`

function outdatedOf({ envelope, before, first, waits_for, ...row }: Row): OutdatedDeclaration {
  return {
    ...row,
    envelope: BigInt(envelope),
    policyHashBefore: before,
    policyHashFirst: first,
    waitsFor: waits_for.map(BigInt),
  }
}

/** Declarations of these periods that are accepted and not posted: they aren't among the outdated. */
export async function countUnposted(pool: pg.Pool, from: string, to: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    `select count(*)
     from journal.unposted u
     join journal.acceptance a on a.envelope = u.envelope
     where a.period between $1 and $2 and a.kind <> 'reassessment'`,
    [from, to],
  )
  return Number(rows[0]?.count)
}
