-- An earlier program took corrections and cancellations that name a declaration of another region: what was
-- replaced is not in force in its own region either.

-- What replaces a declaration of another region: a place, by the region of what it replaces. There, too, it is
-- what came last, so that nothing below it is in force, in whatever order both are posted.
create view ledger.replaced_elsewhere as
select
  o.employer, o.period, r.region, n.envelope, n.position, n.kind,
  o.envelope as replaced_envelope, o.position as replaced_position
from journal.acceptance o
join journal.acceptance a on a.employer = o.employer and a.period = o.period
join ledger.declaration n
  on n.envelope = a.envelope and n.position = a.position and n.id = a.id and n.kind = a.kind
  and n.employer = a.employer and n.period = a.period and coalesce(a.region, n.region) = n.region
left join ledger.declaration p
  on p.envelope = o.envelope and p.position = o.position and p.id = o.id
left join ledger.whole w on n.parts > 1 and w.id = n.id
cross join lateral (select coalesce(o.region, p.region) as region) r
where n.replaces = o.id and n.part_of is null and r.region <> n.region
  and (n.parts = 1 or w.posted = w.parts);

grant select on ledger.replaced_elsewhere to spillway_app;

-- As before, of the region where it is in force: that of another may end it there.
create or replace view ledger.in_force_part as
select d.*
from ledger.in_force f
join ledger.declaration d
  on d.envelope = f.envelope and d.position = f.position
  and d.employer = f.employer and d.period = f.period and d.region = f.region
union all
select d.*
from ledger.in_force f
join ledger.declaration h
  on h.envelope = f.envelope and h.position = f.position and h.region = f.region
join ledger.declaration d
  on d.part_of = h.id and d.employer = f.employer and d.period = f.period and d.region = f.region;

-- Whoever posts has rows here: nobody who called the former procedure is under way after this, so that 0111
-- sees what it posted.
lock table ledger.declaration in share mode;

-- Raises what is in force, and the highest cancellation, to what an envelope's posted declarations say, of
-- those that were accepted there; it never lowers either. Rows go in sorted by key: two envelopes that share
-- employers can't deadlock. `of_parts` are the positions of those that travel in parts, each given once: of
-- what they belong to, the parts are counted, and the head counts once all of them are posted. The row of a
-- whole is locked from then on: of two transactions, the second counts what the first did. What replaces a
-- declaration of another region is raised in that one too. Which one it is may be known only once the replaced
-- one is posted: of two transactions that post the two, the second waits for the first, and raises it.
create or replace procedure ledger.raise_in_force(of_envelope bigint, of_parts integer[])
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- Of an earlier program, or it replaces something.
  crosses boolean := exists (
      select
      from journal.acceptance a
      where a.envelope = of_envelope and a.region is null and a.kind <> 'reassessment'
    ) or exists (
      select
      from ledger.declaration d
      where d.envelope = of_envelope and d.replaces is not null
    );
begin
  if cardinality(of_parts) > 0 then
    insert into ledger.whole as held
      (id, employer, period, parts, posted, head_envelope, head_position)
    select
      coalesce(d.part_of, d.id), d.employer, d.period, d.parts, count(*),
      max(d.envelope) filter (where d.part_of is null),
      max(d.position) filter (where d.part_of is null)
    from ledger.declaration d
    join journal.acceptance a on a.envelope = d.envelope and a.position = d.position
    where d.envelope = of_envelope and d.position = any(of_parts)
      and a.id = d.id and a.employer = d.employer and a.period = d.period
      and coalesce(a.region, d.region) = d.region
    group by coalesce(d.part_of, d.id), d.employer, d.period, d.parts
    order by coalesce(d.part_of, d.id)
    on conflict (id) do update
    set posted = held.posted + excluded.posted,
      head_envelope = coalesce(held.head_envelope, excluded.head_envelope),
      head_position = coalesce(held.head_position, excluded.head_position);
  end if;

  -- The regions of both sides are not known yet: this one waits here, before it holds what is in force.
  if crosses and (
    exists (
      select
      from journal.acceptance a
      where a.envelope = of_envelope and a.region is null and a.kind <> 'reassessment'
    ) or exists (
      select
      from ledger.declaration d
      join journal.acceptance o on o.id = d.replaces
      left join ledger.declaration p on p.envelope = o.envelope and p.position = o.position
      where d.envelope = of_envelope and d.replaces is not null and o.region is null
        and p.envelope is null
    )
  ) then
    perform pg_advisory_xact_lock(5177204635);
  end if;

  with counted as (
    select d.employer, d.period, d.region, d.envelope, d.position
    from ledger.declaration d
    join journal.acceptance a on a.envelope = d.envelope and a.position = d.position
    where d.envelope = of_envelope and d.parts = 1
      and a.id = d.id and a.employer = d.employer and a.period = d.period
      and coalesce(a.region, d.region) = d.region
    union all
    select d.employer, d.period, d.region, d.envelope, d.position
    from ledger.whole w
    join ledger.declaration d on d.envelope = w.head_envelope and d.position = w.head_position
    where w.posted = w.parts
      and w.id in (
        select coalesce(o.part_of, o.id)
        from ledger.declaration o
        where o.envelope = of_envelope and o.position = any(of_parts)
      )
  )
  insert into ledger.in_force as held (employer, period, region, envelope, position)
  select distinct on (p.employer, p.period, p.region)
    p.employer, p.period, p.region, p.envelope, p.position
  from (
    select c.employer, c.period, c.region, c.envelope, c.position
    from counted c
    union all
    select e.employer, e.period, e.region, e.envelope, e.position
    from counted c
    join ledger.replaced_elsewhere e on e.envelope = c.envelope and e.position = c.position
    where crosses
    union all
    select e.employer, e.period, e.region, e.envelope, e.position
    from ledger.replaced_elsewhere e
    where crosses and e.replaced_envelope = of_envelope
  ) p
  order by p.employer, p.period, p.region, p.envelope desc, p.position desc
  on conflict (employer, period, region) do update
  set envelope = excluded.envelope, position = excluded.position
  where (excluded.envelope, excluded.position) > (held.envelope, held.position);

  insert into ledger.last_cancellation as held (employer, period, region, envelope, position)
  select distinct on (p.employer, p.period, p.region)
    p.employer, p.period, p.region, p.envelope, p.position
  from (
    select d.employer, d.period, d.region, d.envelope, d.position
    from ledger.declaration d
    join journal.acceptance a on a.envelope = d.envelope and a.position = d.position
    where d.envelope = of_envelope and d.kind = 'cancellation'
      and a.id = d.id and a.employer = d.employer and a.period = d.period
      and coalesce(a.region, d.region) = d.region and a.kind = d.kind
    union all
    select e.employer, e.period, e.region, e.envelope, e.position
    from ledger.replaced_elsewhere e
    where crosses and e.kind = 'cancellation' and e.envelope = of_envelope
    union all
    select e.employer, e.period, e.region, e.envelope, e.position
    from ledger.replaced_elsewhere e
    where crosses and e.kind = 'cancellation' and e.replaced_envelope = of_envelope
  ) p
  order by p.employer, p.period, p.region, p.envelope desc, p.position desc
  on conflict (employer, period, region) do update
  set envelope = excluded.envelope, position = excluded.position
  where (excluded.envelope, excluded.position) > (held.envelope, held.position);
end
$$;
