-- Declarations are assessed with the policy pack that was current when they were accepted; later
-- packs are applied by reassessments, which are accepted and posted like declarations.

-- Every pack that something was accepted under, by the SHA-256 of its text.
create table journal.policy_pack (
  hash text collate "C" primary key,
  region text collate "C" not null,
  content text not null,
  recorded_at timestamptz not null default now()
);

grant select, insert on journal.policy_pack to spillway_app;

-- Occupational injury is paid for orders, by the unit as a whole. Findings that refused nothing, as
-- codes with their number: 'WAGE_BELOW_FLOOR 3,NAME_SPACES 1'.
alter table ledger.declaration
  add column occupational_injury_employer_fen bigint not null default 0,
  add column findings text collate "C" not null default '';

-- The difference that a later pack makes to a declaration: of its own kind, beside what was posted.
create table ledger.reassessment (
  envelope bigint not null,
  position integer not null,
  id text collate "C" not null,
  employer text collate "C" not null,
  period text collate "C" not null,
  region text collate "C" not null,
  -- The declaration, and the pack its amounts came from before.
  declaration_envelope bigint not null,
  declaration_position integer not null,
  policy_hash text not null,
  policy_hash_before text not null,
  provisional boolean not null,
  lines_changed integer not null,
  pension_base_fen bigint not null,
  pension_employer_fen bigint not null,
  pension_employee_fen bigint not null,
  medical_base_fen bigint not null,
  medical_employer_fen bigint not null,
  medical_employee_fen bigint not null,
  unemployment_base_fen bigint not null,
  unemployment_employer_fen bigint not null,
  unemployment_employee_fen bigint not null,
  work_injury_base_fen bigint not null,
  work_injury_employer_fen bigint not null,
  work_injury_employee_fen bigint not null,
  occupational_injury_employer_fen bigint not null,
  primary key (envelope, position)
);

create index reassessment_by_declaration
  on ledger.reassessment (declaration_envelope, declaration_position, envelope, position);

-- Only the lines whose amounts change, with the differences.
create table ledger.reassessment_line (
  envelope bigint not null,
  position integer not null,
  line integer not null,
  person bytea not null check (length(person) = 16),
  pension_base_fen bigint not null,
  pension_employer_fen bigint not null,
  pension_employee_fen bigint not null,
  medical_base_fen bigint not null,
  medical_employer_fen bigint not null,
  medical_employee_fen bigint not null,
  unemployment_base_fen bigint not null,
  unemployment_employer_fen bigint not null,
  unemployment_employee_fen bigint not null,
  work_injury_base_fen bigint not null,
  work_injury_employer_fen bigint not null,
  work_injury_employee_fen bigint not null,
  primary key (envelope, position, line)
);

grant select, insert on ledger.reassessment, ledger.reassessment_line to spillway_app;

-- What was posted, of declarations and of reassessments.
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
from ledger.reassessment r
cross join lateral (
  values
    ('pension', pension_base_fen, pension_employer_fen, pension_employee_fen),
    ('medical', medical_base_fen, medical_employer_fen, medical_employee_fen),
    ('unemployment', unemployment_base_fen, unemployment_employer_fen, unemployment_employee_fen),
    ('work-injury', work_injury_base_fen, work_injury_employer_fen, work_injury_employee_fen),
    ('occupational-injury', 0::bigint, occupational_injury_employer_fen, 0::bigint)
) as a (insurance, base_fen, employer_fen, employee_fen)
where a.insurance <> 'occupational-injury' or a.employer_fen <> 0;

-- As before, and a reassessment is posted when its difference is.
create or replace view ledger.declaration_status as
select
  a.id, a.envelope, a.position, a.employer, a.period, a.kind, a.accepted_at, a.deadline, a.on_time,
  case
    when d.envelope is null and r.envelope is null then 'accepted'
    when (c.envelope, c.position) > (coalesce(r.declaration_envelope, a.envelope), coalesce(r.declaration_position, a.position)) then 'cancelled'
    when (f.envelope, f.position) > (coalesce(r.declaration_envelope, a.envelope), coalesce(r.declaration_position, a.position)) then 'superseded'
    else 'posted'
  end as status,
  coalesce(d.region, r.region) as region,
  coalesce(d.lines, r.lines_changed) as lines,
  coalesce(d.policy_hash, r.policy_hash) as policy_hash,
  coalesce(d.provisional, r.provisional) as provisional,
  l.envelope is not null as dead_letter,
  d.findings
from journal.acceptance a
left join ledger.declaration d on d.envelope = a.envelope and d.position = a.position
left join ledger.reassessment r on r.envelope = a.envelope and r.position = a.position
left join ledger.in_force f on f.employer = a.employer and f.period = a.period
left join ledger.last_cancellation c on c.employer = a.employer and c.period = a.period
left join ledger.dead_letter l on l.envelope = a.envelope and l.position = a.position;
