-- Slots for large files: who says how many rows will come gets a time in which they go first. And files
-- are posted by their size: what a large one files waits in a lane of its own.

create table batch.slot (
  id text collate "C" primary key,
  -- The order in which they were reserved: lists go by it.
  number bigint generated always as identity,
  subject text not null,
  idempotency_key text,
  -- Null: the file has lines of several employers.
  employer text collate "C",
  period text collate "C" not null,
  region text collate "C" not null,
  rows integer not null check (rows > 0),
  -- A file with more is larger than what was reserved.
  bytes bigint not null check (bytes > 0),
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at),
  -- Its rows count in so many quarters of an hour, the last of which is the one that it ends with.
  quarters integer not null check (quarters > 0),
  -- That uses it.
  batch text collate "C" unique,
  created_at timestamptz not null,
  unique (subject, idempotency_key)
);

create index slot_by_end on batch.slot (ends_at);
create index slot_by_subject on batch.slot (subject, number desc);
create index slot_by_subject_and_end on batch.slot (subject, ends_at);

-- Its one row is locked by who reserves, for as long as that takes: no two see the same room.
create table batch.reserving (single boolean primary key default true check (single));
insert into batch.reserving default values;

-- How many rows a second each batch worker's process brings through its steps, by its own measure; null
-- until it has measured. One that was not seen lately is gone.
create table batch.rate (
  process uuid primary key,
  rows_per_second real check (rows_per_second > 0),
  seen_at timestamptz not null default now()
);

grant select, insert, update, delete on batch.slot to spillway_app;
grant select, update on batch.reserving to spillway_app;
grant select, insert, update, delete on batch.rate to spillway_app;

-- Not valid: rows that are there have one of the lanes before; there may be many of them.
alter table journal.envelope
  drop constraint envelope_lane_check,
  add constraint envelope_lane_check check (lane in ('filing', 'bulk', 'large')) not valid;
