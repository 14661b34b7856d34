/**
 * Derives what must be in force from the posted rows: the highest sequence of each employer, period and
 * region. Earlier programs let a declaration replace one of another region; it counts in that region too.
 * The replaced one is not in force, and nothing else is until a later one is posted there.
 */
import type { Invariant } from './invariant.ts'

/** What replaced a declaration of another region, by that region. In parts: all of them, as they lie. */
export const replacing: readonly string[] = [
  `create temp table replacing as
   select o.employer, o.period, coalesce(p.region, o.region) as region, n.kind, n.envelope, n.position
   from ledger.declaration n
   join journal.acceptance o
     on o.id = n.replaces and o.employer = n.employer and o.period = n.period
   left join ledger.declaration p on p.envelope = o.envelope and p.position = o.position
   where n.replaces is not null and n.part_of is null and coalesce(p.region, o.region) <> n.region
     and (n.parts = 1 or n.parts = 1 + (select count(*) from ledger.declaration m where m.part_of = n.id))`,
  'analyze replacing',
]

export const ofInForce: Invariant = {
  code: 'I6',
  title: 'in force is the highest sequence of its employer, period and region',
  sql: `
    select coalesce(f.employer, m.employer) || ' ' || coalesce(f.period, m.period)
        || ' ' || coalesce(f.region, m.region) as what,
      'in force is ' || coalesce(f.envelope || '.' || f.position, 'nothing')
        || ' instead of ' || coalesce(m.top[1] || '.' || m.top[2], 'nothing') as why
    from ledger.in_force f
    full join (
      select employer, period, region, max(array[envelope, position::bigint]) as top
      from (
        select employer, period, region, envelope, position
        from ledger.declaration d
        where d.part_of is null
          -- In parts: all of them, counted as they lie.
          and (d.parts = 1 or d.parts = 1 + (select count(*) from ledger.declaration o where o.part_of = d.id))
        union all
        select employer, period, region, envelope, position from replacing
      ) counted
      group by employer, period, region
    ) m on m.employer = f.employer and m.period = f.period and m.region = f.region
    where array[f.envelope, f.position::bigint] is distinct from m.top
    union all
    select coalesce(c.employer, m.employer) || ' ' || coalesce(c.period, m.period)
        || ' ' || coalesce(c.region, m.region),
      'its last cancellation is ' || coalesce(c.envelope || '.' || c.position, 'none')
        || ' instead of ' || coalesce(m.top[1] || '.' || m.top[2], 'none')
    from ledger.last_cancellation c
    full join (
      select employer, period, region, max(array[envelope, position::bigint]) as top
      from (
        select employer, period, region, envelope, position, kind from ledger.declaration
        union all
        select employer, period, region, envelope, position, kind from replacing
      ) counted
      where kind = 'cancellation'
      group by employer, period, region
    ) m on m.employer = c.employer and m.period = c.period and m.region = c.region
    where array[c.envelope, c.position::bigint] is distinct from m.top`,
}
