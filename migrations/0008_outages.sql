-- When the system could not accept, by its own account: windows with their causes, and who tried and
-- holds an attempt ticket. The evidence for extending a deadline. Written when the database is back.

create table journal.outage (
  -- The intake process that saw it, and its number there.
  process uuid not null,
  number integer not null,
  began_at timestamptz not null,
  -- The last refusal or failure so far.
  last_at timestamptz not null,
  -- Null while it may go on.
  ended_at timestamptz,
  -- commit, off (by SHED_AT), journal, requests, loop, memory or disk: what it began with.
  cause text not null,
  refused integer not null,
  failed integer not null,
  primary key (process, number)
);

create index outage_by_time on journal.outage (began_at);

create table journal.attempt (
  at timestamptz not null,
  subject text not null,
  employer text,
  reason text not null
);

create index attempt_by_time on journal.attempt using brin (at);

grant select, insert, update on journal.outage to spillway_app;
grant select, insert on journal.attempt to spillway_app;
