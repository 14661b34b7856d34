-- A declaration with more lines than one envelope should hold is posted in parts, side by side and in
-- any order; it comes into force in one step, with the last of them to be posted.

alter table ledger.declaration
  -- How many there are of the declaration that this is a part of, the head included.
  add column parts integer not null default 1,
  add constraint declaration_parts_check check (parts >= 1) not valid,
  -- The head's id; null for a head, and for what travels as one.
  add column part_of text collate "C";

-- Counted by the transactions that post parts: the one that completes it brings it into force.
create table ledger.whole (
  -- The head's id.
  id text collate "C" primary key,
  employer text collate "C" not null,
  period text collate "C" not null,
  parts integer not null,
  posted integer not null check (posted between 1 and parts),
  -- Of the head, once it is posted.
  head_envelope bigint,
  head_position integer
);

grant select, insert, update on ledger.whole to spillway_app;

-- Every row of a declaration that is in force: one, or all of its parts.
create view ledger.in_force_part as
select d.*
from ledger.in_force f
join ledger.declaration d
  on d.envelope = f.envelope and d.position = f.position
  and d.employer = f.employer and d.period = f.period
union all
select d.*
from ledger.in_force f
join ledger.declaration h on h.envelope = f.envelope and h.position = f.position
join ledger.declaration d
  on d.part_of = h.id and d.employer = f.employer and d.period = f.period;

grant select on ledger.in_force_part to spillway_app;

-- As before; and what travels in parts stands where its head does, once all of them are posted.
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

-- Edited so that it holds no lock while it reads a table; what all migrations together make is as before.
--! formerly e09f2fc7d16c3caffa86a02f051abf46a87bc8421f21851027b00d4de7366eb8
