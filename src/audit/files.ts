/**
 * The invariants of files: no file replaces a newer declaration, and none files for an employer that its
 * senders may not file for. A writer commits one envelope at a time and looks at standing declarations when
 * it draws the next number, so it saw everything before its last envelope. Two filings that raced are
 * therefore no offenders.
 */
import type { Invariant } from './invariant.ts'
import { isOfRegion } from './regions.ts'

export const ofFiles: Invariant = {
  code: 'I17',
  title: 'no unit of a file stands over what was accepted after the file came and before the unit',
  sql: `
    select u.id as what, s.id || ' was accepted after its file came, and before it' as why
    from batch.unit u
    join batch.batch b on b.id = u.batch
    join journal.acceptance a on a.id = u.id
    join journal.envelope e on e.number = a.envelope
    join journal.acceptance s
      on s.employer = a.employer and s.period = a.period and ${isOfRegion('s', 'a')}
      and s.kind <> 'reassessment' and s.part_of is null
      and s.envelope < a.envelope and s.accepted_at > b.received_at
    join journal.envelope o on o.number = s.envelope
    -- One without a key was filed before files looked at what stands.
    where u.key is not null
      and s.id is distinct from u.keeps
      and not exists (
        select
        from batch.unit k
        join batch.batch m on m.id = k.batch
        where k.id = s.id and k.employer = s.employer and k.period = s.period
          and coalesce(m.first, m.id) = coalesce(b.first, b.id)
      )
      and (
        o.writer = e.writer
        or exists (
          select
          from journal.envelope n
          join journal.envelope p
            on p.writer = e.writer and p.writer_position = e.writer_position - 1
          where n.writer = o.writer and n.number > o.number and n.number < p.number
        )
      )`,
}

/**
 * A file stores what each of its senders' tokens named. A single filing has only its receipt, and its token's
 * employers are stored nowhere, so this invariant covers files alone.
 */
export const ofMandates: Invariant = {
  code: 'I18',
  title: 'no unit of a file is of an employer or region that its senders may not file for',
  sql: `
    select a.id as what, 'its file was sent by who may not file for ' || a.employer || ' in ' || r.region as why
    from batch.unit u
    join batch.batch b on b.id = u.batch
    join journal.acceptance a on a.id = u.id
    cross join lateral (
      select coalesce(a.region, journal.region_of(a.envelope, a.position), u.region) as region
    ) r
    where a.employer <> all(b.may_file_for)
      or b.may_file_in is not null and not r.region like any(b.may_file_in)`,
}
