/**
 * Draws an envelope's number. The same statement looks up which ids of the group were accepted before, and
 * the latest declaration of each employer, period and region, and whether the journal still has what this writer
 * committed last. All come from one snapshot: a filing whose
 * commit had an unknown outcome is found as accepted before, never as a conflict with itself.
 */
import assert from 'node:assert/strict'
import type pg from 'pg'
import { type CommitSettings, commitSettings } from './durable.ts'
import type { Filing } from './filing.ts'
import {
  conflictWith,
  type Expectation,
  expectedLatest,
  isNotReplaced,
  type LatestDeclaration,
  type LatestDeclarationRow,
  latestDeclarationOf,
} from './latest-declaration.ts'
import { type ReplacedFault, replacedFaultOf } from './replaced.ts'

export type DrawnNumber = {
  readonly number: bigint
  /** By the server's clock. */
  readonly drawnAtMicros: number
  /** Whether the journal has the envelope that the writer committed last. */
  readonly followsCommitted: boolean
  /** Whether digests are salted (salting.ts). */
  readonly salting: boolean
  /** The settings under which the connection's next commit runs. */
  readonly settings: CommitSettings
  /** Ids of the group that were accepted before. */
  readonly known: ReadonlySet<string>
  /** By id: a filing that was not accepted before, and the declaration that it did not expect. */
  readonly standing: ReadonlyMap<string, LatestDeclaration>
  /** By id: a filing that names a declaration to replace which its employer, period and region lacks. */
  readonly replacesWrongly: ReadonlyMap<string, ReplacedFault>
}

type Row = LatestDeclarationRow &
  CommitSettings & {
    number: string
    drawn_at: string
    salting: boolean
    follows: boolean
    place: string | null
    known: boolean
    /** Whether the declaration that it replaces does not exist; and its region, if that is another one. */
    nothing: boolean
    other_region: string | null
  }

/**
 * Call it after the group is closed. It reads one index entry for each id, and one more for each filing
 * that expects something.
 */
export async function drawNumber(
  client: pg.PoolClient,
  group: readonly Filing[],
  committed?: bigint,
): Promise<DrawnNumber> {
  const list = (values: readonly (string | boolean)[]) => `{${values.join(',')}}`
  const { rows } = await client.query<Row>({
    name: 'draw-envelope-number',
    text: `
      with drawn as materialized (
        select
          nextval('journal.envelope_number') as number,
          (extract(epoch from clock_timestamp()) * 1000000)::bigint as drawn_at,
          exists (select from journal.salting where begun) as salting,
          exists (select from journal.envelope where number = $7) as follows,
          ${commitSettings}
      )
      select
        drawn.*, f.place, f.known, f.nothing, f.other_region, f.latest, f.kind, f.digest,
        f.salted_digest, f.lines,
        (extract(epoch from f.accepted_at) * 1000000)::bigint as accepted_at
      from drawn
      left join (
        select
          g.place, k.id is not null as known, g.replaces is not null and r.id is null as nothing,
          nullif(coalesce(r.region, journal.region_of(r.envelope, r.position)), g.region) as other_region,
          l.id as latest, l.kind, l.digest, l.salted_digest, l.lines, l.accepted_at
        from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[])
          with ordinality as g (id, employer, period, expects_latest, replaces, region, place)
        left join journal.acceptance k on k.id = g.id
        left join journal.acceptance r
          on r.id = g.replaces and r.employer = g.employer and r.period = g.period
        left join lateral (
          select a.id, a.kind, a.digest, a.salted_digest, a.lines, a.accepted_at
          from journal.acceptance a
          where g.expects_latest and a.employer = g.employer and a.period = g.period
            and coalesce(a.region, journal.region_of(a.envelope, a.position), g.region) = g.region
            and a.kind <> 'reassessment' and a.part_of is null
            and ${isNotReplaced('g.region')}
          order by a.envelope desc, a.position desc
          limit 1
        ) l on true
        where k.id is not null or l.id is not null or g.replaces is not null
      ) f on true`,
    values: [
      list(group.map(({ id }) => id)),
      list(group.map(({ employer }) => employer)),
      list(group.map(({ period }) => period)),
      list(group.map(({ expects }) => expects !== 'anything')),
      list(group.map(({ expects }) => replacedBy(expects) ?? 'NULL')),
      list(group.map(({ policy }) => policy.region)),
      committed ?? null,
    ],
  })
  const known = new Set<string>()
  const standing = new Map<string, LatestDeclaration>()
  const replacesWrongly = new Map<string, ReplacedFault>()
  const withoutLatest = new Set(
    group.filter(({ expects }) => expectedLatest(expects) !== undefined),
  )
  for (const row of rows) {
    const filing = group[Number(row.place) - 1]
    if (filing === undefined) continue
    const { id, expects } = filing
    if (row.known || row.latest !== null) withoutLatest.delete(filing)
    const against = conflictWith(expects, latestDeclarationOf(row))
    const fault = replacedFaultOf(row)
    if (row.known) known.add(id)
    else if (fault !== undefined) replacesWrongly.set(id, fault)
    else if (against !== undefined) standing.set(id, against)
  }
  for (const filing of withoutLatest)
    standing.set(filing.id, await findLatestAnywhere(client, filing))
  const [drawn] = rows
  assert(drawn !== undefined, 'a number is drawn for each group')
  return {
    number: BigInt(drawn.number),
    drawnAtMicros: Number(drawn.drawn_at),
    salting: drawn.salting,
    followsCommitted: drawn.follows,
    known,
    standing,
    replacesWrongly,
    settings: drawn,
  }
}

/**
 * The latest declaration of the filing's employer and period in any region. A filing that expects a latest
 * declaration and finds none in its region met one that an earlier program accepted: that turned out to
 * be of another region, or a declaration of another region replaced it. What was merged with it would
 * count its persons twice, so the filing is refused.
 */
async function findLatestAnywhere(
  client: pg.PoolClient,
  { id, employer, period }: Filing,
): Promise<LatestDeclaration> {
  const { rows } = await client.query<LatestDeclarationRow>({
    name: 'find-latest-anywhere',
    text: `
      select
        id as latest, kind, digest, salted_digest, lines,
        (extract(epoch from accepted_at) * 1000000)::bigint as accepted_at
      from journal.acceptance
      where employer = $1 and period = $2 and kind <> 'reassessment' and part_of is null
      order by envelope desc, position desc
      limit 1`,
    values: [employer, period],
  })
  const latest = rows[0] && latestDeclarationOf(rows[0])
  assert(latest !== undefined, `${id} expects a declaration that the journal lacks`)
  return latest
}

/** The id that a filing replaces. Ids consist of letters, digits and hyphens, so they need no escaping. */
function replacedBy(expects: Expectation): string | undefined {
  return typeof expects === 'object' && 'replaces' in expects ? expects.replaces : undefined
}
