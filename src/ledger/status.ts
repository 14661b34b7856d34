/**
 * The status of a declaration from its acceptance on, and an employer's list of declarations.
 */

import type { FindingCode } from '../declaration/catalogue/catalogue.ts'
import type { FindingCount } from '../declaration/findings.ts'
import { inReach, type Reach, reachValues } from '../journal/reading/reach.ts'
import type { Queryable } from '../journal/reading/read-pool.ts'

export type DeclarationStatus = 'accepted' | 'posted' | 'superseded' | 'cancelled'

export type StandingAmount = {
  readonly insurance: string
  readonly baseFen: number
  readonly employerFen: number
  readonly employeeFen: number
}

/** The neighbour of a declaration by sequence, of the same employer, period and region. */
export type Neighbour = {
  readonly id: string
  readonly kind: string
  readonly acceptedAtMicros: number
  /** Insured persons; undefined if an earlier program accepted it without a count and it is not posted. */
  readonly persons: number | undefined
  /** What it names to replace; known once it is posted. */
  readonly replaces?: string | undefined
}

/** A declaration with its status; instants in microseconds since 1970. */
export type Standing = {
  readonly id: string
  readonly envelope: bigint
  readonly position: number
  readonly employer: string
  readonly period: string
  /** Undefined if an earlier program accepted it and it is not posted. */
  readonly region: string | undefined
  readonly kind: string
  readonly status: DeclarationStatus
  readonly acceptedAtMicros: number
  readonly deadlineMicros: number
  readonly onTime: boolean
  /** Whether posting failed with a fault that needs an operator. */
  readonly deadLetter: boolean
  /** Whether a reassessment of it is posted: see `findReassessments`. */
  readonly reassessed: boolean
  /** Once posted. */
  readonly assessment:
    | {
        readonly region: string
        readonly policyHash: string
        readonly provisional: boolean
        readonly lines: number
        readonly amounts: readonly StandingAmount[]
      }
    | undefined
  /** Number of its parts, if it is their head. Another part has `partOf` instead. */
  readonly parts: number
  readonly partOf: string | undefined
  /** Insured persons, as of a neighbour. */
  readonly persons: number | undefined
  /** The next acceptance, which supersedes or cancels it. */
  readonly after: Neighbour | undefined
  /**
   * The previous acceptance in its region, which was not visible at acceptance: of a regular one, and, once
   * posted, of one that names another declaration to replace.
   */
  readonly before: Neighbour | undefined
  /** Its findings beside the receipt, once posted; never errors. */
  readonly findings: readonly FindingCount[]
}

/** The difference that a later pack made to a declaration. */
export type StandingReassessment = {
  readonly id: string
  readonly policyHash: string
  readonly policyHashBefore: string
  readonly provisional: boolean
  readonly linesChanged: number
  readonly amounts: readonly StandingAmount[]
}

type Row = {
  id: string
  envelope: string
  position: number
  employer: string
  period: string
  kind: string
  status: DeclarationStatus
  accepted_at: string
  deadline: string
  on_time: boolean
  dead_letter: boolean
  reassessed: boolean
  region: string | null
  /** Null until it is posted. */
  policy_region: string | null
  lines: number
  policy_hash: string
  provisional: boolean
  findings: string | null
  parts: number
  part_of: string | null
  persons: number | null
  after: NeighbourRow | null
  before: NeighbourRow | null
  amounts: { insurance: string; base: number; employer: number; employee: number }[]
}

/** Instants as text: JSON's numbers would lose their last digit. */
type NeighbourRow = {
  id: string
  kind: string
  accepted_at: string
  persons: number | null
  replaces: string | null
}

const neighbour = `
  json_build_object(
    'id', n.id, 'kind', n.kind, 'persons', coalesce(n.lines, d.lines), 'replaces', d.replaces,
    'accepted_at', ((extract(epoch from n.accepted_at) * 1000000)::bigint)::text
  ) as told
  from journal.acceptance n
  left join seen.declaration d on d.envelope = n.envelope and d.position = n.position
  cross join lateral (
    select coalesce(n.region, d.region, own.region, s.region)
      is distinct from coalesce(own.region, s.region, n.region, d.region) as elsewhere
  ) r
  where own.part_of is null and n.part_of is null and n.kind <> 'reassessment'
    and n.employer = own.employer and n.period = own.period
    and (
      not r.elsewhere
      -- What replaced a declaration of this region came after it here, too.
      or exists (
        select
        from seen.replaced_elsewhere e
        where e.envelope = n.envelope and e.position = n.position
          and e.region = coalesce(own.region, s.region)
      )
    )`

const selection = `
  select
    coalesce(own.lines, s.lines) as persons, following.told as after, preceding.told as before,
    s.id, s.envelope, s.position, s.employer, s.period, s.kind, s.status, s.on_time, s.dead_letter,
    (extract(epoch from s.accepted_at) * 1000000)::bigint as accepted_at,
    (extract(epoch from s.deadline) * 1000000)::bigint as deadline,
    coalesce(own.region, s.region) as region, s.region as policy_region, s.lines, s.policy_hash, s.provisional, s.findings, s.parts,
    coalesce(s.part_of, (select a.part_of from journal.acceptance a where a.id = s.id)) as part_of,
    exists (
      select from seen.reassessment r
      where (r.declaration_envelope, r.declaration_position) = (s.envelope, s.position)
    ) as reassessed,
    coalesce(
      (
        select json_agg(json_build_object(
          'insurance', m.insurance, 'base', m.base_fen,
          'employer', m.employer_fen, 'employee', m.employee_fen
        ))
        from seen.amount m
        where m.envelope = s.envelope and m.position = s.position
      ),
      '[]'
    ) as amounts
  from seen.declaration_status s
  join journal.acceptance own on own.id = s.id
  left join lateral (
    select ${neighbour}
      and own.kind <> 'reassessment'
      and (n.envelope, n.position) > (own.envelope, own.position)
    order by n.envelope, n.position
    limit 1
  ) following on true
  left join lateral (
    select r.elsewhere, ${neighbour}
      and own.kind <> 'reassessment'
      and (n.envelope, n.position) < (own.envelope, own.position)
    order by n.envelope desc, n.position desc
    limit 1
  ) preceding on not preceding.elsewhere and (
    own.kind = 'regular'
    or preceding.told ->> 'id' <> (
      select named.replaces
      from seen.declaration named
      where named.envelope = s.envelope and named.position = s.position
    )
  )`

/** The columns by which reach is decided. */
const placeOfStanding = { employer: 'own.employer', region: 'coalesce(own.region, s.region)' }

/**
 * One declaration; undefined when nothing of that id was accepted. One row of each table, by its
 * primary key: 13 pages and 0.3 ms among 20,000 declarations (EXPLAIN), planning left out.
 * @param reach what is beyond it is not found; nothing is unless given
 */
export async function findStanding(
  pool: Queryable,
  id: string,
  reach?: Reach,
): Promise<Standing | undefined> {
  const { rows } = await pool.query<Row>({
    name: 'find-standing',
    text: `${selection}
      where s.id = $1 and ${inReach(2, placeOfStanding)}`,
    values: [id, ...reachValues(reach)],
  })
  return (await standingsOf(pool, rows))[0]
}

/**
 * The declarations of these ids whose status is no longer just accepted. By primary keys, as above: 0.4
 * ms for 15 ids, 7 ms for 1,000, 15 ms for 5,000 that still wait.
 */
export async function findSettled(pool: Queryable, ids: readonly string[]): Promise<Standing[]> {
  const { rows } = await pool.query<Row>({
    name: 'find-settled',
    // Named in the text, too: pg_stat_activity shows no more than its beginning.
    text: `-- find-settled\n${selection} where s.id = any($1::text[]) and s.status <> 'accepted'`,
    values: [ids],
  })
  return standingsOf(pool, rows)
}

export type ListQuery = {
  readonly employer: string
  readonly period: string | undefined
  readonly region: string | undefined
  /** Nothing is beyond it unless given. */
  readonly reach?: Reach | undefined
  /** Only declarations accepted before this position. */
  readonly before: { readonly envelope: bigint; readonly position: number } | undefined
  readonly limit: number
}

/**
 * An employer's declarations, newest first. A declaration in parts is listed once, as its head with the
 * amounts of all parts, so that a list adds up to what is paid. Its acceptance marks a part; acceptances of
 * earlier programs lack the mark, so their parts are known once posted.
 */
export async function listStandings(pool: Queryable, query: ListQuery): Promise<Standing[]> {
  const { rows } = await pool.query<Row>({
    name: 'list-standings',
    text: `${selection}
      where s.employer = $1
        and ($2::text is null or s.period = $2)
        and ($6::text is null or coalesce(own.region, s.region, $6) = $6)
        and ($3::bigint is null or (s.envelope, s.position) < ($3, $4::integer))
        and ${inReach(7, placeOfStanding)}
        and s.part_of is null
        and not exists (
          select from journal.acceptance a where a.id = s.id and a.part_of is not null
        )
      order by s.envelope desc, s.position desc
      limit $5`,
    values: [
      query.employer,
      query.period,
      query.before?.envelope,
      query.before?.position,
      query.limit,
      query.region,
      ...reachValues(query.reach),
    ],
  })
  return standingsOf(pool, rows)
}

async function standingsOf(pool: Queryable, rows: readonly Row[]): Promise<Standing[]> {
  const heads = rows.filter((row) => row.parts > 1 && row.part_of === null).map(({ id }) => id)
  const parts = heads.length === 0 ? [] : await findParts(pool, heads)
  return rows.map((row) => {
    const others = parts.filter(({ part_of }) => part_of === row.id)
    return standingOf(others.length === 0 ? row : addParts(row, others))
  })
}

type PartRow = Pick<Row, 'lines' | 'amounts' | 'findings' | 'reassessed'> & { part_of: string }

/** The other parts of these heads. */
async function findParts(pool: Queryable, heads: readonly string[]): Promise<PartRow[]> {
  const { rows } = await pool.query<PartRow>({
    name: 'find-parts',
    text: `
      select d.part_of, d.lines, d.findings,
        exists (
          select from seen.reassessment r
          where (r.declaration_envelope, r.declaration_position) = (d.envelope, d.position)
        ) as reassessed,
        (
          select json_agg(json_build_object(
            'insurance', m.insurance, 'base', m.base_fen,
            'employer', m.employer_fen, 'employee', m.employee_fen
          ))
          from seen.amount m
          where m.envelope = d.envelope and m.position = d.position
        ) as amounts
      from seen.declaration d
      where d.part_of = any($1::text[])`,
    values: [heads],
  })
  return rows
}

/** A head with the sums of all of its parts. */
function addParts(head: Row, others: readonly PartRow[]): Row {
  const amounts = new Map<string, Row['amounts'][number]>()
  const counts = new Map<string, number>()
  for (const part of [head, ...others]) {
    for (const { insurance, base, employer, employee } of part.amounts) {
      const sum = amounts.get(insurance)
      amounts.set(insurance, {
        insurance,
        base: base + (sum?.base ?? 0),
        employer: employer + (sum?.employer ?? 0),
        employee: employee + (sum?.employee ?? 0),
      })
    }
    for (const { code, count } of findingsOf(part.findings)) {
      counts.set(code, count + (counts.get(code) ?? 0))
    }
  }
  return {
    ...head,
    lines: others.reduce((sum, { lines }) => sum + lines, head.lines),
    amounts: [...amounts.values()],
    reassessed: head.reassessed || others.some(({ reassessed }) => reassessed),
    findings: [...counts].map(([code, count]) => `${code} ${count}`).join(','),
  }
}

function findingsOf(findings: string | null): FindingCount[] {
  return (findings ?? '').split(',').flatMap((counted) => {
    const [code, count] = counted.split(' ')
    return code === undefined || count === undefined
      ? []
      : [{ code: code as FindingCode, count: Number(count) }]
  })
}

function standingOf(row: Row): Standing {
  const { id, position, employer, period, kind, status } = row
  return {
    id,
    envelope: BigInt(row.envelope),
    position,
    employer,
    period,
    region: row.region ?? undefined,
    kind,
    status,
    acceptedAtMicros: Number(row.accepted_at),
    deadlineMicros: Number(row.deadline),
    onTime: row.on_time,
    deadLetter: row.dead_letter,
    reassessed: row.reassessed,
    assessment: assessmentOf(row),
    parts: row.parts,
    partOf: row.part_of ?? undefined,
    persons: row.persons ?? undefined,
    after: neighbourOf(row.after),
    before: neighbourOf(row.before),
    findings: findingsOf(row.findings),
  }
}

function neighbourOf(row: NeighbourRow | null): Neighbour | undefined {
  if (row === null) return undefined
  const { id, kind, accepted_at, persons, replaces } = row
  return {
    ...{ id, kind, acceptedAtMicros: Number(accepted_at), persons: persons ?? undefined },
    replaces: replaces ?? undefined,
  }
}

function assessmentOf(row: Row): Standing['assessment'] {
  if (row.policy_region === null) return undefined
  return {
    region: row.policy_region,
    policyHash: row.policy_hash,
    provisional: row.provisional,
    lines: row.lines,
    amounts: row.amounts.map(amountOf),
  }
}

/**
 * The posted reassessments of a declaration that are in effect, oldest first.
 * @param headId of a head, its id: those of its other parts too
 */
export async function findReassessments(
  pool: Queryable,
  { envelope, position }: Pick<Standing, 'envelope' | 'position'>,
  headId?: string,
): Promise<StandingReassessment[]> {
  const { rows } = await pool.query<ReassessmentRow>({
    name: 'find-reassessments',
    text: `
      select
        r.id, r.policy_hash, r.policy_hash_before, r.provisional, r.lines_changed,
        (
          select json_agg(json_build_object(
            'insurance', m.insurance, 'base', m.base_fen,
            'employer', m.employer_fen, 'employee', m.employee_fen
          ))
          from seen.amount m
          where m.envelope = r.envelope and m.position = r.position
        ) as amounts
      from seen.reassessment_that_counts r
      where (r.declaration_envelope, r.declaration_position) in (
        select $1::bigint, $2::integer
        union all
        select d.envelope, d.position from seen.declaration d where d.part_of = $3
      )
      order by r.envelope, r.position`,
    values: [envelope, position, headId],
  })
  return rows.map((row) => ({
    id: row.id,
    policyHash: row.policy_hash,
    policyHashBefore: row.policy_hash_before,
    provisional: row.provisional,
    linesChanged: row.lines_changed,
    amounts: (row.amounts ?? []).map(amountOf),
  }))
}

type ReassessmentRow = Pick<Row, 'id' | 'policy_hash' | 'provisional'> & {
  policy_hash_before: string
  lines_changed: number
  amounts: Row['amounts'] | null
}

function amountOf({ insurance, base, employer, employee }: Row['amounts'][number]): StandingAmount {
  return { insurance, baseFen: base, employerFen: employer, employeeFen: employee }
}
