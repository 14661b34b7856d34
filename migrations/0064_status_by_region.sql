-- As before, by what is in force for its region.
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
left join ledger.in_force f
  on f.employer = a.employer and f.period = a.period and f.region = coalesce(d.region, r.region)
left join ledger.last_cancellation c
  on c.employer = a.employer and c.period = a.period and c.region = coalesce(d.region, r.region)
left join ledger.dead_letter l on l.envelope = a.envelope and l.position = a.position;
