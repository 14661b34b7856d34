-- As before, by region, too.

-- Raises what is in force, and the highest cancellation, to what an envelope's posted declarations say, of
-- those that were accepted there; it never lowers either. Rows go in sorted by key: two envelopes that share
-- employers can't deadlock. `of_parts` are the positions of those that travel in parts, each given once: of
-- what they belong to, the parts are counted, and the head counts once all of them are posted. The row of a
-- whole is locked from then on: of two transactions, the second counts what the first did.
create or replace procedure ledger.raise_in_force(of_envelope bigint, of_parts integer[])
language plpgsql
security definer
set search_path = ''
as $$
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
end
$$;
