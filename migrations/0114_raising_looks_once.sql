-- Whether anything may cross regions is looked up once for an envelope, from what was accepted in it.

-- As before.
create or replace procedure ledger.raise_in_force(of_envelope bigint, of_parts integer[])
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  -- What an earlier program accepted may have been replaced in another region.
  of_former boolean;
  replaces_some boolean;
begin
  select
    bool_or(a.region is null and a.kind <> 'reassessment'),
    bool_or(a.kind in ('correction', 'cancellation'))
  into of_former, replaces_some
  from journal.acceptance a
  where a.envelope = of_envelope;

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
  if of_former or replaces_some and exists (
      select
      from ledger.declaration d
      join journal.acceptance o on o.id = d.replaces
      left join ledger.declaration p on p.envelope = o.envelope and p.position = o.position
      where d.envelope = of_envelope and d.replaces is not null and o.region is null
        and p.envelope is null
    )
  then
    perform pg_advisory_xact_lock(5177204635);
  end if;

  if of_former or replaces_some and exists (
      select
      from ledger.declaration d
      join journal.acceptance o on o.id = d.replaces
      left join ledger.declaration p on p.envelope = o.envelope and p.position = o.position
      where d.envelope = of_envelope and d.replaces is not null
        and coalesce(o.region, p.region) <> d.region
    )
  then
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
      union all
      select e.employer, e.period, e.region, e.envelope, e.position
      from ledger.replaced_elsewhere e
      where e.replaced_envelope = of_envelope
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
      where e.kind = 'cancellation' and e.envelope = of_envelope
      union all
      select e.employer, e.period, e.region, e.envelope, e.position
      from ledger.replaced_elsewhere e
      where e.kind = 'cancellation' and e.replaced_envelope = of_envelope
    ) p
    order by p.employer, p.period, p.region, p.envelope desc, p.position desc
    on conflict (employer, period, region) do update
    set envelope = excluded.envelope, position = excluded.position
    where (excluded.envelope, excluded.position) > (held.envelope, held.position);
  else
    insert into ledger.in_force as held (employer, period, region, envelope, position)
    select distinct on (p.employer, p.period, p.region)
      p.employer, p.period, p.region, p.envelope, p.position
    from (
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
    ) p
    order by p.employer, p.period, p.region, p.envelope desc, p.position desc
    on conflict (employer, period, region) do update
    set envelope = excluded.envelope, position = excluded.position
    where (excluded.envelope, excluded.position) > (held.envelope, held.position);

    insert into ledger.last_cancellation as held (employer, period, region, envelope, position)
    select distinct on (d.employer, d.period, d.region)
      d.employer, d.period, d.region, d.envelope, d.position
    from ledger.declaration d
    join journal.acceptance a on a.envelope = d.envelope and a.position = d.position
    where d.envelope = of_envelope and d.kind = 'cancellation'
      and a.id = d.id and a.employer = d.employer and a.period = d.period
      and coalesce(a.region, d.region) = d.region and a.kind = d.kind
    order by d.employer, d.period, d.region, d.envelope desc, d.position desc
    on conflict (employer, period, region) do update
    set envelope = excluded.envelope, position = excluded.position
    where (excluded.envelope, excluded.position) > (held.envelope, held.position);
  end if;
end
$$;
