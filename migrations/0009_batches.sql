-- Files with many declarations: what was asked for each, and its bytes, sealed, as they arrive. A file
-- comes over bad lines, in parts, to any intake process; nothing of it that was told is ever sent twice.

create schema batch;

create table batch.batch (
  id text collate "C" primary key,
  -- The order in which they were begun: lists and their pages go by it.
  number bigint generated always as identity,
  -- Who may see it and send its bytes: the subject of the token that began it. May it file for an
  -- employer in the file? That is decided by the employers that token named.
  subject text not null,
  may_file_for text[] not null,
  -- Null: the file has lines of several employers.
  employer text collate "C",
  period text collate "C" not null,
  region text collate "C" not null,
  kind text not null,
  -- Null: to be seen from its bytes.
  format text check (format in ('csv', 'tsv', 'xlsx', 'ndjson')),
  mode text not null check (mode in ('all-or-nothing', 'accept-good')),
  -- Sealed: people name files after people.
  file_name bytea,
  idempotency_key text,
  -- Bytes of the whole file, and its SHA-256, as said before it came; null where not said.
  size bigint check (size > 0),
  expected_digest bytea check (length(expected_digest) = 32),
  -- Durable bytes; and the SHA-256 of them so far, sealed, because its state holds up to 63 of them.
  received bigint not null default 0,
  chunks integer not null default 0,
  digest_state bytea,
  -- The request that may append: the latest one that began at the right offset.
  writer uuid,
  -- src/batch/stages.ts has the stages and what leads from one to another.
  stage text not null,
  -- When the last byte was taken, by intake's clock, as for a single filing; and the digest of all.
  received_at timestamptz,
  digest bytea check (length(digest) = 32),
  -- The batch that brought the same content first.
  same_as text collate "C",
  created_at timestamptz not null default now(),
  touched_at timestamptz not null default now(),
  unique (subject, idempotency_key)
);

create index batch_by_subject on batch.batch (subject, number desc);
-- What is under way, for each who sends, and what went to sleep; and what waits to be worked on.
create index batch_receiving on batch.batch (subject) where stage = 'receiving';
create index batch_received on batch.batch (received_at) where stage = 'received';

create table batch.chunk (
  batch text collate "C" not null,
  number integer not null,
  -- Of its first byte in the file.
  start bigint not null,
  bytes integer not null check (bytes > 0),
  sealed bytea not null,
  primary key (batch, number)
);

-- Sealed bytes are compressed and look random: do not try again.
alter table batch.chunk alter column sealed set storage external;

-- Which batch brought a content first. The key decides between two that end at the same time.
create table batch.content (
  subject text not null,
  employer text collate "C" not null,
  period text collate "C" not null,
  kind text not null,
  digest bytea not null,
  batch text collate "C" not null unique,
  primary key (subject, employer, period, kind, digest)
);

grant usage on schema batch to spillway_app;
grant select, insert, update on batch.batch to spillway_app;
grant select, insert, delete on batch.chunk, batch.content to spillway_app;

-- A batch as it is told: instants in microseconds since 1970.
create view batch.upload as
select
  id, number, subject, may_file_for, employer, period, region, kind, format, mode, file_name, size,
  expected_digest, received, chunks, stage, digest, same_as,
  (extract(epoch from received_at) * 1000000)::bigint as received_at,
  (extract(epoch from created_at) * 1000000)::bigint as created_at,
  (extract(epoch from touched_at) * 1000000)::bigint as touched_at
from batch.batch;

grant select on batch.upload to spillway_app;
