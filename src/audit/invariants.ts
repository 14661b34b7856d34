/**
 * What must hold between a client's history and the database, each as one statement that returns its
 * offenders. The statements read the ledger as it lies; none asks the code that wrote it.
 */

import { ofFiles, ofMandates } from './files.ts'
import { ofInForce, replacing } from './in-force.ts'
import type { Invariant } from './invariant.ts'
import { lineSums, ofEmployers, ofLinesAlone, sums } from './line-sums.ts'
import { ofReassessments } from './reassessments.ts'
import { isOfRegion } from './regions.ts'

const amounts = `
  d.pension_employer_fen, d.pension_employee_fen,
  d.medical_employer_fen, d.medical_employee_fen,
  d.unemployment_employer_fen, d.unemployment_employee_fen,
  d.work_injury_employer_fen, d.work_injury_employee_fen,
  d.occupational_injury_employer_fen`

const employersLessThanLines = lineSums
  .map((name) => `d.${name}_employer_fen < s.${name}_employer_fen`)
  .join(' or ')

/** Statuses that the API may answer to a filing. */
export const allowedStatuses = [202, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503]

/**
 * Answers after which nothing may be posted. Not 408, 425 and 429: what stands before an intake can
 * give them after it passed the filing on.
 */
const refusals = [400, 401, 403, 404, 405, 409, 413, 415, 422]

/**
 * Preparations: which attempts were refused for good, what clients hold, once for each id, and the
 * lines of each declaration added up, which costs most and is asked for twice.
 */
export const preparations = [
  `create temp table refused as
   select distinct n from answered where status = any('{${refusals.join(',')}}')`,
  'create unique index on refused (n)',
  'analyze refused',
  `create temp table held_receipts as
   select t.id,
     case when count(distinct a.receipt) = 1 then min(a.receipt::text)::bytea end as receipts,
     count(distinct a.receipt) as different, min(a.seq) as first_seq
   from answered a
   join tried t on t.n = a.n
   where a.status = 202
   group by t.id`,
  'create unique index on held_receipts (id)',
  'analyze held_receipts',
  `create temp table summed as
   select l.envelope, l.position, count(*) as lines, ${sums}
   from ledger.line l
   group by l.envelope, l.position`,
  'analyze summed',
  ...replacing,
  // Packs by which employers' amounts, too, are of lines alone.
  `create temp table packs_of_lines_alone as
   select hash
   from journal.policy_pack
   where jsonb_path_exists(content::jsonb, '$.rounding[*] ? (@.per == "unit")') is not true
     and jsonb_path_exists(content::jsonb, '$.bases.unit[*]') is not true`,
]

/** Of an attempt `t` and an acceptance `a` of its id. */
const sameContent =
  'coalesce(a.salted_digest, a.digest) = case when a.digest is null then t.salted_digest else t.digest end'

export const invariants: readonly Invariant[] = [
  {
    code: 'I1',
    title: 'every acknowledged declaration is posted',
    sql: `
      select h.id as what, case when l.id is null then 'it is nowhere' else 'it is a dead letter' end as why
      from held_receipts h
      left join ledger.dead_letter l on l.id = h.id
      where not exists (select from ledger.declaration d where d.id = h.id)`,
  },
  {
    code: 'I2',
    title: 'nothing is posted twice, and only from where it was accepted',
    sql: `
      select d.id as what, 'it is posted ' || count(*) || ' times' as why
      from ledger.declaration d
      group by d.id
      having count(*) > 1
      union all
      select d.id,
        case
          when (a.envelope, a.position) is distinct from (d.envelope, d.position)
            then 'it is posted from another place than it was accepted at'
          else 'it is posted for another employer, period, region or kind than it was accepted for'
        end
      from ledger.declaration d
      left join journal.acceptance a on a.id = d.id
      where (a.envelope, a.position, a.employer, a.period, a.kind, coalesce(a.region, d.region))
        is distinct from (d.envelope, d.position, d.employer, d.period, d.kind, d.region)
      union all
      select r.id, 'this reassessment is posted as another than was accepted'
      from ledger.reassessment r
      left join journal.acceptance a on a.id = r.id
      where (a.envelope, a.position, a.employer, a.period, a.kind, coalesce(a.region, r.region))
        is distinct from (r.envelope, r.position, r.employer, r.period, 'reassessment', r.region)
      union all
      select 'envelope ' || d.envelope, 'it is posted without its marker'
      from ledger.declaration d
      where not exists (select from ledger.posting p where p.envelope = d.envelope)
      group by d.envelope
      union all
      select 'envelope ' || r.envelope, 'its reassessments are posted without its marker'
      from ledger.reassessment r
      where not exists (select from ledger.posting p where p.envelope = r.envelope)
      group by r.envelope
      union all
      select s.envelope || '.' || s.position, 'it has ' || s.lines || ' lines and is no declaration'
      from summed s
      left join ledger.declaration d on d.envelope = s.envelope and d.position = s.position
      where d.envelope is null
      union all
      select d.id, 'it has ' || coalesce(s.lines, 0) || ' lines instead of ' || d.lines
      from ledger.declaration d
      left join summed s on s.envelope = d.envelope and s.position = d.position
      where coalesce(s.lines, 0) <> d.lines`,
  },
  {
    code: 'I3',
    title: 'nothing is posted that nobody sent, or that was refused',
    sql: `
      select d.id as what, 'no attempt that was not refused has this content' as why
      from ledger.declaration d
      join journal.acceptance a on a.id = d.id
      where not exists (
        select from tried t
        where t.id = d.id and ${sameContent}
          and not exists (select from refused r where r.n = t.n)
      )`,
  },
  {
    code: 'I4',
    title: 'what had no answer, or a 5xx, is posted never or once',
    sql: `
      select d.id as what, 'it was never acknowledged and is posted ' || count(*) || ' times' as why
      from ledger.declaration d
      where not exists (select from held_receipts h where h.id = d.id)
      group by d.id
      having count(*) > 1`,
  },
  {
    code: 'I5',
    title: 'amounts are to the fen what was filed, and lines add up',
    sql: `
      select d.id as what, 'its amounts are not those of what was sent' as why
      from ledger.declaration d
      join journal.acceptance a on a.id = d.id
      where exists (
        select from tried t
        where t.id = d.id and ${sameContent} and t.fen <> '{}' and t.fen <> array[${amounts}]
      )
      union all
      select d.id, 'its lines do not add up to it'
      from ledger.declaration d
      join summed s on s.envelope = d.envelope and s.position = d.position
      left join packs_of_lines_alone k on k.hash = d.policy_hash
      where row (${ofLinesAlone('s')}) is distinct from row (${ofLinesAlone('d')})
        or ${employersLessThanLines}
        or (k.hash is not null and row (${ofEmployers('s')}) is distinct from row (${ofEmployers('d')}))`,
  },
  ofInForce,
  {
    code: 'I8',
    title: 'a key and its content get one receipt for ever, other content none',
    sql: `
      select h.id as what, h.different || ' different receipts were answered' as why
      from held_receipts h
      where h.different > 1
      union all
      select t.id, 'other content than was accepted was acknowledged'
      from tried t
      join answered w on w.n = t.n and w.status = 202
      join journal.acceptance a on a.id = t.id
      where not (${sameContent})
      union all
      select 'attempt ' || n, 'it was acknowledged without a receipt'
      from answered
      where status = 202 and receipt is null`,
  },
  {
    code: 'I9',
    title: 'no status goes back, and none is missing after a 202',
    sql: `
      select id as what, 'a status was followed by an earlier one' as why
      from (
        select id, rank, max(rank) over (partition by id order by seq rows between unbounded preceding and 1 preceding) as before
        from (
          select id, seq, rank from seen
          union all
          select id, first_seq, 1 from held_receipts
        ) as told
      ) as followed
      where rank < before
      group by id`,
  },
  {
    code: 'I16',
    title:
      'nothing is accepted that replaces, unnamed, a declaration whose receipt was returned before it was sent',
    sql: `
      select r.id as what, 'it was sent after the receipt of ' || s.id || ' was returned, which stood' as why
      from journal.acceptance r
      join (select id, min(seq) as seq from tried group by id) t on t.id = r.id
      join journal.acceptance s
        on s.employer = r.employer and s.period = r.period and ${isOfRegion('s', 'r')}
        and s.kind not in ('cancellation', 'reassessment') and s.part_of is null
        and (s.envelope, s.position) < (r.envelope, r.position)
      join held_receipts h on h.id = s.id and h.first_seq < t.seq
      left join ledger.declaration d on d.envelope = r.envelope and d.position = r.position
      left join journal.acceptance named on named.id = d.replaces
      where r.part_of is null
        and (
          r.kind = 'regular'
          or (named.envelope, named.position) < (s.envelope, s.position)
        )
        and not exists (
          select from journal.acceptance c
          where c.employer = r.employer and c.period = r.period and ${isOfRegion('c', 'r')}
            and c.kind = 'cancellation'
            and (c.envelope, c.position) > (s.envelope, s.position)
            and (c.envelope, c.position) < (r.envelope, r.position)
        )
        and not exists (
          select from replacing c
          where c.employer = s.employer and c.period = s.period
            and c.region = coalesce(s.region, journal.region_of(s.envelope, s.position))
            and (c.envelope, c.position) > (s.envelope, s.position)
            and (c.envelope, c.position) < (r.envelope, r.position)
        )`,
  },
  {
    code: 'I12',
    title: 'only documented answers: no 5xx but a 503 that says when to come back',
    sql: `
      select 'attempt ' || n as what, 'it was answered with ' || status as why
      from answered
      where not (status = any('{${allowedStatuses.join(',')}}'))
        or (status in (429, 503) and not retry_after)`,
  },
  {
    code: 'I13',
    title: 'everything accepted is posted: nothing waits',
    sql: `
      select 'envelope ' || u.envelope as what,
        'it waits since ' || u.accepted_at as why
      from journal.unposted u
      union all
      select a.id, 'it is neither posted, nor waits, nor is a dead letter'
      from journal.acceptance a
      where not exists (select from journal.unposted u where u.envelope = a.envelope)
        and not exists (select from ledger.declaration d where d.envelope = a.envelope and d.position = a.position)
        and not exists (select from ledger.reassessment r where r.envelope = a.envelope and r.position = a.position)
        and not exists (select from ledger.dead_letter l where l.envelope = a.envelope and l.position = a.position)`,
  },
  ofReassessments,
  ofFiles,
  ofMandates,
]

/** Columns that can hold text in clear, of all tables of these schemas. */
export const textColumns = `
  select format('%I.%I', table_schema, table_name) as table, column_name as column
  from information_schema.columns
  join information_schema.tables using (table_schema, table_name)
  where table_schema in ('journal', 'ledger', 'batch', 'bullmq') and table_type = 'BASE TABLE'
    and data_type in ('text', 'character varying', 'json', 'jsonb', 'ARRAY', 'bytea')
    and not (table_name = 'envelope' and column_name in ('sealed', 'leaves', 'previous_link', 'link'))
    and not (table_schema = 'batch' and column_name = 'sealed')`
