-- The ledger: what the journal's declarations come to. Can be dropped and rebuilt from the journal.
-- A posting row, its declarations, lines and amounts, and what is in force are written by one
-- transaction; nothing here is ever deleted by the application.

create schema ledger;

-- The guarantee of exactly once: one row for each envelope, written with all that it posts.
create table ledger.posting (
  envelope bigint primary key,
  lane text not null,
  declarations integer not null,
  posted_at timestamptz not null default now()
);

create table ledger.declaration (
  envelope bigint not null,
  position integer not null,
  id text collate "C" not null,
  employer text collate "C" not null,
  period text collate "C" not null,
  region text collate "C" not null,
  kind text not null,
  replaces text collate "C",
  industry_class smallint,
  lines integer not null,
  policy_hash text not null,
  provisional boolean not null,
  -- What it comes to, by insurance and side: the sums of its rounded lines.
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
  primary key (envelope, position)
);

-- One insured person in a declaration. `person` is a keyed blind index, never a number in clear.
create table ledger.line (
  envelope bigint not null,
  position integer not null,
  line integer not null,
  person bytea not null check (length(person) = 16),
  category text not null,
  change text not null,
  wage_fen bigint not null,
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

-- Of all posted declarations for one employer and period, the one with the highest sequence.
create table ledger.in_force (
  employer text collate "C" not null,
  period text collate "C" not null,
  envelope bigint not null,
  position integer not null,
  primary key (employer, period)
);

-- The highest cancellation: whatever lies below it stays cancelled, whatever is filed later.
create table ledger.last_cancellation (
  employer text collate "C" not null,
  period text collate "C" not null,
  envelope bigint not null,
  position integer not null,
  primary key (employer, period)
);

-- A declaration that could not be posted, kept with the reason. Its content stays in the journal.
create table ledger.dead_letter (
  envelope bigint not null,
  position integer not null,
  id text collate "C" not null,
  lane text not null,
  code text not null,
  reason text not null,
  at timestamptz not null default now(),
  primary key (envelope, position)
);

grant usage on schema ledger to spillway_app;
grant select, insert on ledger.posting, ledger.declaration, ledger.line, ledger.dead_letter
  to spillway_app;
grant select, insert, update on ledger.in_force, ledger.last_cancellation to spillway_app;

-- The amounts of declarations, a row for each insurance. Columns hold them, because rows of their
-- own cost as much as the lines: four more rows and index entries for each declaration.
create view ledger.amount as
select d.envelope, d.position, a.*
from ledger.declaration d
cross join lateral (
  values
    ('pension', pension_base_fen, pension_employer_fen, pension_employee_fen),
    ('medical', medical_base_fen, medical_employer_fen, medical_employee_fen),
    ('unemployment', unemployment_base_fen, unemployment_employer_fen, unemployment_employee_fen),
    ('work-injury', work_injury_base_fen, work_injury_employer_fen, work_injury_employee_fen)
) as a (insurance, base_fen, employer_fen, employee_fen)
where d.lines > 0;

grant select on ledger.amount to spillway_app;

-- A declaration's status, from acceptance on. It only moves forward:
-- accepted, posted, superseded, cancelled. A cancellation cancels what lies below it for good.
create view ledger.declaration_status as
select
  a.id, a.envelope, a.position, a.employer, a.period, a.kind, a.accepted_at, a.deadline, a.on_time,
  case
    when d.envelope is null then 'accepted'
    when (c.envelope, c.position) > (a.envelope, a.position) then 'cancelled'
    when (f.envelope, f.position) > (a.envelope, a.position) then 'superseded'
    else 'posted'
  end as status,
  d.region, d.lines, d.policy_hash, d.provisional,
  l.envelope is not null as dead_letter
from journal.acceptance a
left join ledger.declaration d on d.envelope = a.envelope and d.position = a.position
left join ledger.in_force f on f.employer = a.employer and f.period = a.period
left join ledger.last_cancellation c on c.employer = a.employer and c.period = a.period
left join ledger.dead_letter l on l.envelope = a.envelope and l.position = a.position;

grant select on ledger.declaration_status to spillway_app;
