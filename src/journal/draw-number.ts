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
  type Expectation,
  type StandingDeclaration,
  type StandingRow,
  standingOf,
  standsAgainst,
} from './standing.ts'

export type DrawnNumber = {
  readonly number: bigint
  /** By the server's clock. */
  readonly drawnAtMicros: number
  /** What the connection's next commit goes by. */
  readonly settings: CommitSettings
  /** Ids of the group that were accepted before. */
  readonly known: ReadonlySet<string>
  /** By id: not known, and meets something that it did not expect. */
  readonly standing: ReadonlyMap<string, StandingDeclaration>
  /** Ids, not known either, of what names as replaced what its employer and period does not have. */
  readonly replacesNothing: ReadonlySet<string>
}

type Row = StandingRow &
  CommitSettings & {
    number: string
    drawn_at: string
    place: string | null
    known: boolean
    nothing: boolean
  }

/**
 * To be called after the group is closed. It costs an index entry for each filing's id, and one more for
 * each that expects something.
 */
export async function drawNumber(
  client: pg.PoolClient,
  group: readonly Filing[],
): Promise<DrawnNumber> {
  const list = (values: readonly (string | boolean)[]) => `{${values.join(',')}}`
  const { rows } = await client.query<Row>({
    name: 'draw-envelope-number',
    text: `
      with drawn as materialized (
        select
          nextval('journal.envelope_number') as number,
          (extract(epoch from clock_timestamp()) * 1000000)::bigint as drawn_at,
          ${commitSettings}
      )
      select
        drawn.*, f.place, f.known, f.nothing, f.latest, f.kind, f.digest, f.lines,
        (extract(epoch from f.accepted_at) * 1000000)::bigint as accepted_at
      from drawn
      left join (
        select
          g.place, k.id is not null as known, g.replaces is not null and r.id is null as nothing,
          l.id as latest, l.kind, l.digest, l.lines, l.accepted_at
        from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[]) with ordinality
          as g (id, employer, period, expects_latest, replaces, place)
        left join journal.acceptance k on k.id = g.id
        left join journal.acceptance r
          on r.id = g.replaces and r.employer = g.employer and r.period = g.period
        left join lateral (
          select a.id, a.kind, a.digest, a.lines, a.accepted_at
          from journal.acceptance a
          where g.expects_latest and a.employer = g.employer and a.period = g.period
            and a.kind <> 'reassessment' and a.part_of is null
          order by a.envelope desc, a.position desc
          limit 1
        ) l on true
        where k.id is not null or l.id is not null or g.replaces is not null
      ) f on true`,
    values: [
      list(group.map(({ id }) => id)),
      list(group.map(({ employer }) => employer)),
      list(group.map(({ period }) => period)),
      list(group.map(({ expects }) => expects !== 'anything' && replacedBy(expects) === undefined)),
      list(group.map(({ expects }) => replacedBy(expects) ?? 'NULL')),
    ],
  })
  const known = new Set<string>()
  const standing = new Map<string, StandingDeclaration>()
  const replacesNothing = new Set<string>()
  for (const row of rows) {
    const filing = group[Number(row.place) - 1]
    if (filing === undefined) continue
    const { id, expects } = filing
    const against = standsAgainst(expects, standingOf(row))
    if (row.known) known.add(id)
    else if (row.nothing) replacesNothing.add(id)
    else if (against !== undefined) standing.set(id, against)
  }
  const [drawn] = rows
  assert(drawn !== undefined, 'a number is drawn for each group')
  return {
    number: BigInt(drawn.number),
    drawnAtMicros: Number(drawn.drawn_at),
    known,
    standing,
    replacesNothing,
    settings: drawn,
  }
}

/** What a filing names, which ids are letters, digits and hyphens of. */
function replacedBy(expects: Expectation): string | undefined {
  return typeof expects === 'object' && 'replaces' in expects ? expects.replaces : undefined
}
