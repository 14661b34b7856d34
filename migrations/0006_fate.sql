-- What became of each acceptance, in one place: the books of a day add it up, by lane, employer or
-- envelope. Fen are of what is posted; a declaration's lines and its own part together.

create view ledger.fate as
select
  a.id, a.envelope, a.position, a.employer, a.period, a.accepted_at, e.lane,
  coalesce(p.times, 0) as posted_times,
  l.id is not null and p.times is null as dead_letter,
  u.envelope is not null and p.times is null and l.id is null as under_way,
  coalesce(p.employer_fen, 0) as employer_fen,
  coalesce(p.employee_fen, 0) as employee_fen
from journal.acceptance a
join journal.envelope e on e.number = a.envelope
left join lateral (
  select
    count(*) as times,
    sum(
      pension_employer_fen + medical_employer_fen + unemployment_employer_fen
        + work_injury_employer_fen + occupational_injury_employer_fen
    ) as employer_fen,
    sum(
      pension_employee_fen + medical_employee_fen + unemployment_employee_fen
        + work_injury_employee_fen
    ) as employee_fen
  from ledger.declaration d
  where d.id = a.id
  having count(*) > 0
  union all
  select count(*), 0, 0
  from ledger.reassessment r
  where r.id = a.id
  having count(*) > 0
) p on true
left join ledger.open_dead_letter l on l.envelope = a.envelope and l.position = a.position
left join journal.unposted u on u.envelope = a.envelope;

grant select on ledger.fate to spillway_app;
