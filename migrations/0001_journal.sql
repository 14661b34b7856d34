-- The journal: the record of everything ever accepted. Append-only for the application's role.
-- Sequence of a declaration = (envelope, position). No foreign key from acceptance to envelope:
-- both are written by one statement, and the check would cost a lookup for each declaration.

do $$
begin
  create role spillway_app nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

-- Whoever migrates may act as the application's role: processes switch to it when they connect.
do $$
begin
  if not pg_has_role(current_user, 'spillway_app', 'member') then
    execute format('grant spillway_app to %I', current_user);
  end if;
end
$$;

create schema journal;

-- Drawn after a group is closed, never ahead: the order of numbers is the order of acceptance.
create sequence journal.envelope_number as bigint;

create table journal.envelope (
  number bigint primary key,
  lane text not null check (lane in ('filing', 'bulk')),
  environment text not null,
  declarations integer not null check (declarations > 0),
  sealed bytea not null,
  -- The Merkle leaves (32 bytes each, by position), from which every proof can be made again.
  leaves bytea not null check (length(leaves) = 32 * declarations),
  signed_root text not null,
  -- The chain: one link for each envelope and writer (a running intake process).
  writer uuid not null,
  writer_position bigint not null,
  previous_link bytea not null check (length(previous_link) = 32),
  link bytea not null check (length(link) = 32),
  sealed_at timestamptz not null default now(),
  unique (writer, writer_position)
);

-- Sealed bytes are compressed and look random: do not try again.
alter table journal.envelope alter column sealed set storage external;

create table journal.acceptance (
  id text collate "C" primary key,
  envelope bigint not null,
  position integer not null,
  employer text collate "C" not null,
  period text collate "C" not null,
  kind text not null,
  digest bytea not null check (length(digest) = 32),
  accepted_at timestamptz not null,
  deadline timestamptz not null,
  on_time boolean not null
);

-- An employer's list, newest first; and an envelope's declarations.
create index acceptance_by_employer on journal.acceptance (employer, period, envelope, position);
create index acceptance_by_envelope on journal.acceptance (envelope, position);

-- What is accepted and not yet posted: a row lives from the accepting commit to the posting one.
-- The sweeper and the backlog metrics read this, so both cost what the backlog is, not the journal.
create table journal.unposted (
  envelope bigint primary key,
  lane text not null,
  declarations integer not null,
  accepted_at timestamptz not null
);

grant usage on schema journal to spillway_app;
grant usage on sequence journal.envelope_number to spillway_app;
grant select, insert on journal.envelope, journal.acceptance to spillway_app;
grant select, insert, delete on journal.unposted to spillway_app;
