-- A reassessment names what its difference follows: the same change may come again (B, A, B), and of two
-- that follow the same, as after a dead letter that was tried again, one counts.

alter table ledger.reassessment
  -- Where the reassessment or the declaration lies that it is the difference to. Null: ordered before this
  -- was written; it follows the last one before it that has its policy_hash_before.
  add column follows_envelope bigint,
  add column follows_position integer,
  add constraint follows_a_place check ((follows_envelope is null) = (follows_position is null)) not valid;

-- Of a declaration's posted reassessments, the one with the highest sequence counts, with all that it
-- follows; the others are passed over. It follows from what is posted alone, in whatever order that was.
create function ledger.reassessments_that_count(of_envelope bigint, of_position integer)
returns table (envelope bigint, "position" integer)
language sql
stable
rows 2
begin atomic
  with recursive chain as (
    (
      select r.envelope, r.position, r.follows_envelope, r.follows_position, r.policy_hash_before
      from ledger.reassessment r
      where r.declaration_envelope = of_envelope and r.declaration_position = of_position
      order by r.envelope desc, r.position desc
      limit 1
    )
    union all
    select p.*
    from chain c
    cross join lateral (
      select r.envelope, r.position, r.follows_envelope, r.follows_position, r.policy_hash_before
      from ledger.reassessment r
      where r.declaration_envelope = of_envelope and r.declaration_position = of_position
        and (r.envelope, r.position) < (c.envelope, c.position)
        and case
          when c.follows_envelope is null then r.policy_hash = c.policy_hash_before
          else (r.envelope, r.position) = (c.follows_envelope, c.follows_position)
        end
      order by r.envelope desc, r.position desc
      limit 1
    ) p
  )
  select chain.envelope, chain.position from chain;
end;

-- Reassessments that count. Only where a later one goes back behind it, the whole chain is looked at.
create view ledger.reassessment_that_counts as
select r.*
from ledger.reassessment r
where not exists (
    select
    from ledger.reassessment o
    where o.declaration_envelope = r.declaration_envelope
      and o.declaration_position = r.declaration_position
      and (o.envelope, o.position) > (r.envelope, r.position)
      and ((o.follows_envelope, o.follows_position) < (r.envelope, r.position)) is not false
  )
  or (r.envelope, r.position) in (
    select c.envelope, c.position
    from ledger.reassessments_that_count(r.declaration_envelope, r.declaration_position) c
  );

grant select on ledger.reassessment_that_counts to spillway_app;

-- As before, of reassessments that count.
create or replace view ledger.amount as
select d.envelope, d.position, a.*
from ledger.declaration d
cross join lateral (
  values
    ('pension', pension_base_fen, pension_employer_fen, pension_employee_fen),
    ('medical', medical_base_fen, medical_employer_fen, medical_employee_fen),
    ('unemployment', unemployment_base_fen, unemployment_employer_fen, unemployment_employee_fen),
    ('work-injury', work_injury_base_fen, work_injury_employer_fen, work_injury_employee_fen),
    ('occupational-injury', 0::bigint, occupational_injury_employer_fen, 0::bigint)
) as a (insurance, base_fen, employer_fen, employee_fen)
where d.lines > 0 and (a.insurance <> 'occupational-injury' or a.employer_fen <> 0)
union all
select r.envelope, r.position, a.*
from ledger.reassessment_that_counts r
cross join lateral (
  values
    ('pension', pension_base_fen, pension_employer_fen, pension_employee_fen),
    ('medical', medical_base_fen, medical_employer_fen, medical_employee_fen),
    ('unemployment', unemployment_base_fen, unemployment_employer_fen, unemployment_employee_fen),
    ('work-injury', work_injury_base_fen, work_injury_employer_fen, work_injury_employee_fen),
    ('occupational-injury', 0::bigint, occupational_injury_employer_fen, 0::bigint)
) as a (insurance, base_fen, employer_fen, employee_fen)
where a.insurance <> 'occupational-injury' or a.employer_fen <> 0;

create or replace view ledger.fate as
select
  a.id, a.envelope, a.position, a.employer, a.period, a.accepted_at,
  coalesce(e.lane, '?') as lane,
  -- Each has one: their numbers add up to what was accepted. What the journal lost is missing, even
  -- where it was posted before.
  case
    when e.number is null then 'missing'
    when a.id in (d.id, r.id) then 'posted'
    when l.envelope is not null then 'dead letter'
    when u.envelope is not null then 'under way'
    else 'missing'
  end as fate,
  coalesce(
    d.pension_employer_fen + d.medical_employer_fen + d.unemployment_employer_fen
      + d.work_injury_employer_fen + d.occupational_injury_employer_fen,
    0
  ) + case
    when r.envelope is not null and exists (
        select
        from ledger.reassessment_that_counts t
        where t.envelope = r.envelope and t.position = r.position
      ) then
        r.pension_employer_fen + r.medical_employer_fen + r.unemployment_employer_fen
          + r.work_injury_employer_fen + r.occupational_injury_employer_fen
    else 0
  end as employer_fen,
  coalesce(
    d.pension_employee_fen + d.medical_employee_fen + d.unemployment_employee_fen
      + d.work_injury_employee_fen,
    0
  ) + case
    when r.envelope is not null and exists (
        select
        from ledger.reassessment_that_counts t
        where t.envelope = r.envelope and t.position = r.position
      ) then
        r.pension_employee_fen + r.medical_employee_fen + r.unemployment_employee_fen
          + r.work_injury_employee_fen
    else 0
  end as employee_fen
from journal.acceptance a
left join journal.envelope e on e.number = a.envelope
left join ledger.declaration d on d.envelope = a.envelope and d.position = a.position
left join ledger.reassessment r on r.envelope = a.envelope and r.position = a.position
left join ledger.dead_letter l on l.envelope = a.envelope and l.position = a.position
left join journal.unposted u on u.envelope = a.envelope;

-- As before; and a reassessment that is passed over is superseded.
create or replace view ledger.declaration_status as
select
  a.id, a.envelope, a.position, a.employer, a.period, a.kind, a.accepted_at, a.deadline, a.on_time,
  case
    when d.envelope is null and r.envelope is null then 'accepted'
    when w.posted < w.parts then 'accepted'
    when (c.envelope, c.position) > (
        coalesce(w.head_envelope, r.declaration_envelope, a.envelope),
        coalesce(w.head_position, r.declaration_position, a.position)
      ) then 'cancelled'
    when (f.envelope, f.position) > (
        coalesce(w.head_envelope, r.declaration_envelope, a.envelope),
        coalesce(w.head_position, r.declaration_position, a.position)
      ) then 'superseded'
    when r.envelope is not null and not exists (
        select
        from ledger.reassessment_that_counts t
        where t.envelope = r.envelope and t.position = r.position
      ) then 'superseded'
    else 'posted'
  end as status,
  coalesce(d.region, r.region) as region,
  coalesce(d.lines, r.lines_changed) as lines,
  coalesce(d.policy_hash, r.policy_hash) as policy_hash,
  coalesce(d.provisional, r.provisional) as provisional,
  l.envelope is not null as dead_letter,
  d.findings,
  coalesce(d.parts, 1) as parts,
  d.part_of
from journal.acceptance a
left join ledger.declaration d on d.envelope = a.envelope and d.position = a.position
left join ledger.reassessment r on r.envelope = a.envelope and r.position = a.position
left join ledger.declaration p
  on p.envelope = r.declaration_envelope and p.position = r.declaration_position
left join ledger.whole w
  on w.id = case
    when d.parts > 1 then coalesce(d.part_of, d.id)
    when p.parts > 1 then coalesce(p.part_of, p.id)
  end
left join ledger.in_force f on f.employer = a.employer and f.period = a.period
left join ledger.last_cancellation c on c.employer = a.employer and c.period = a.period
left join ledger.dead_letter l on l.envelope = a.envelope and l.position = a.position;
