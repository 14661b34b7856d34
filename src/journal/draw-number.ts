/**
 * Draws an envelope's number, and looks up in the same statement what the journal has of the group:
 * which ids were accepted before, and the latest declaration of each employer and period. One snapshot
 * tells both, so that a filing whose commit had an unknown outcome meets itself as known, never as
 * what stands.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import type { Filing } from './accept.ts'
import { type CommitSettings, commitSettings } from './durable.ts'
import {
  type StandingDeclaration,
  type StandingRow,
  standingOf,
  standsAgainst,
} from './standing.ts'

export type DrawnNumber = {
  readonly number: bigint
  /** What the connection's next commit goes by. */
  readonly settings: CommitSettings
  /** Ids of the group that were accepted before. */
  readonly known: ReadonlySet<string>
  /** By id: not known, and meets something that it did not expect. */
  readonly standing: ReadonlyMap<string, StandingDeclaration>
}

type Row = StandingRow & CommitSettings & { number: string; place: string | null; known: boolean }

/**
 * To be called after the group is closed. An index entry for each filing's id, and for each that expects
 * something one of its employer and period.
 */
export async function drawNumber(
  client: pg.PoolClient,
  group: readonly Filing[],
): Promise<DrawnNumber> {
  const list = (values: readonly string[]) => `{${values.join(',')}}`
  const asked = (of: 'employer' | 'period') =>
    list(group.map((filing) => (filing.expects === 'anything' ? 'NULL' : filing[of])))
  const { rows } = await client.query<Row>({
    name: 'draw-envelope-number',
    text: `
      with drawn as materialized (
        select nextval('journal.envelope_number') as number, ${commitSettings}
      )
      select
        drawn.*, f.place, f.known, f.latest, f.kind, f.digest, f.lines,
        (extract(epoch from f.accepted_at) * 1000000)::bigint as accepted_at
      from drawn
      left join (
        select
          g.place, k.id is not null as known,
          l.id as latest, l.kind, l.digest, l.lines, l.accepted_at
        from unnest($1::text[], $2::text[], $3::text[]) with ordinality
          as g (id, employer, period, place)
        left join journal.acceptance k on k.id = g.id
        left join lateral (
          select a.id, a.kind, a.digest, a.lines, a.accepted_at
          from journal.acceptance a
          where a.employer = g.employer and a.period = g.period
            and a.kind <> 'reassessment' and a.part_of is null
          order by a.envelope desc, a.position desc
          limit 1
        ) l on true
        where k.id is not null or g.employer is not null
      ) f on true`,
    values: [list(group.map(({ id }) => id)), asked('employer'), asked('period')],
  })
  const known = new Set<string>()
  const standing = new Map<string, StandingDeclaration>()
  const met = new Map(rows.map((row) => [Number(row.place) - 1, row]))
  for (const [i, { id, expects }] of group.entries()) {
    const row = met.get(i)
    const against = standsAgainst(expects, row && standingOf(row))
    if (row?.known === true) known.add(id)
    else if (against !== undefined) standing.set(id, against)
  }
  const [drawn] = rows
  assert(drawn !== undefined, 'a number is drawn for each group')
  return { number: BigInt(drawn.number), known, standing, settings: drawn }
}
