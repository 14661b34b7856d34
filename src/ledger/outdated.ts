/**
 * Which declarations in force have amounts from another pack than one, in the journal's order: so
 * that each envelope is opened once.
 */
import type pg from 'pg'
import { outdatedPageMax } from '../limits.ts'

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
  readonly envelope: bigint
  readonly position: number
  /** Hash of the pack that the amounts come from now: the declaration's, or its last reassessment's. */
  readonly policyHashBefore: string
  /**
   * Envelopes with reassessments of its employer and period that are accepted and not posted yet. If one
   * is of it, what it has now is not known.
   */
  readonly waitsFor: readonly bigint[]
}

type Row = { id: string; envelope: string; position: number; before: string; waits_for: string[] }

/** In pages, by keyset: each is a statement of its own, and nothing is locked. */
export async function* findOutdated(
  pool: pg.Pool,
  { region, from, to, policyHash }: OutdatedQuery,
): AsyncGenerator<readonly OutdatedDeclaration[]> {
  let after: { envelope: string; position: number } = { envelope: '0', position: -1 }
  for (;;) {
    const { rows } = await pool.query<Row>({
      name: 'find-outdated',
      text: `
        select d.id, d.envelope, d.position, coalesce(last.policy_hash, d.policy_hash) as before,
          array(
            select distinct a.envelope
            from journal.acceptance a
            join journal.unposted u on u.envelope = a.envelope
            where a.employer = d.employer and a.period = d.period and a.kind = 'reassessment'
          )::text[] as waits_for
        from ledger.declaration d
        left join ledger.whole w on d.parts > 1 and w.id = coalesce(d.part_of, d.id)
        join ledger.in_force f
          on f.employer = d.employer and f.period = d.period
          and f.envelope = coalesce(w.head_envelope, d.envelope)
          and f.position = coalesce(w.head_position, d.position)
        left join lateral (
          select r.policy_hash
          from ledger.reassessment r
          where r.declaration_envelope = d.envelope and r.declaration_position = d.position
          order by r.envelope desc, r.position desc
          limit 1
        ) last on true
        where d.region = $1 and d.period between $2 and $3 and d.kind <> 'cancellation'
          and coalesce(last.policy_hash, d.policy_hash) <> $4
          and (d.envelope, d.position) > ($5::bigint, $6::integer)
        order by d.envelope, d.position
        limit $7`,
      values: [region, from, to, policyHash, after.envelope, after.position, outdatedPageMax],
    })
    if (rows.length === 0) return
    yield rows.map(({ id, envelope, position, before, waits_for }) => ({
      ...{ id, envelope: BigInt(envelope), position, policyHashBefore: before },
      waitsFor: waits_for.map(BigInt),
    }))
    after = rows.at(-1) as Row
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
