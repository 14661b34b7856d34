-- A token that leaked, or a holder who may no more, is refused within seconds, until that is lifted. The
-- last row of a claim's value counts; who, when and why stays.

create table journal.denial (
  id bigint generated always as identity primary key,
  act text not null check (act in ('deny', 'lift')),
  claim text not null check (claim in ('jti', 'sub')),
  value text collate "C" not null check (length(value) between 1 and 255),
  operator text not null,
  reason text not null,
  -- Of its statement's end, as near as can be: who reads on looks back a minute from the last one read.
  at timestamptz not null default clock_timestamp()
);

create index denial_by_instant on journal.denial (at);

-- Intake reads it; whoever took an intake over may lift nothing.
grant select on journal.denial to spillway_app;
grant insert on journal.denial to spillway_posting;
