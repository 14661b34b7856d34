-- What became of each acceptance, in one place: the books of a day add it up, by lane, employer or
-- envelope. All is joined by primary keys, so that it costs what is asked for. Fen are those of
-- ledger.amount; a declaration's lines and its own part together.

create view ledger.fate as
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
  ) + coalesce(
    r.pension_employer_fen + r.medical_employer_fen + r.unemployment_employer_fen
      + r.work_injury_employer_fen + r.occupational_injury_employer_fen,
    0
  ) as employer_fen,
  coalesce(
    d.pension_employee_fen + d.medical_employee_fen + d.unemployment_employee_fen
      + d.work_injury_employee_fen,
    0
  ) + coalesce(
    r.pension_employee_fen + r.medical_employee_fen + r.unemployment_employee_fen
      + r.work_injury_employee_fen,
    0
  ) as employee_fen
from journal.acceptance a
left join journal.envelope e on e.number = a.envelope
left join ledger.declaration d on d.envelope = a.envelope and d.position = a.position
left join ledger.reassessment r on r.envelope = a.envelope and r.position = a.position
left join ledger.dead_letter l on l.envelope = a.envelope and l.position = a.position
left join journal.unposted u on u.envelope = a.envelope;

grant select on ledger.fate to spillway_app;

-- What was accepted between two instants and is posted more than once, or at another place than it
-- was accepted at. The ledger has no index by id, which each posting would pay for: it is scanned once.
-- Without nested loops, because statistics that don't know today yet would make it a scan for each id.
create function ledger.posted_wrongly(since timestamptz, before timestamptz)
returns table (id text)
language sql
stable
rows 1
set enable_nestloop = off
begin atomic
  select a.id
  from journal.acceptance a
  join (
    select d.id, d.envelope, d.position from ledger.declaration d
    union all
    select r.id, r.envelope, r.position from ledger.reassessment r
  ) p on p.id = a.id
  where a.accepted_at >= since and a.accepted_at < before
  group by a.id
  having count(*) > 1 or bool_or((p.envelope, p.position) <> (a.envelope, a.position));
end;
