-- The rows that were set aside of a file come back mended: they are merged with what was filed of it, and
-- the whole replaces it. And who sends a file gets a signed receipt of it.

alter table batch.batch
  -- Whose rows this file mends, as its sender or the file itself says; and the batch that brought them
  -- first, where a mended file was wrong again.
  add column amends text collate "C",
  add column first text collate "C",
  -- Signed when its last byte was durable.
  add column receipt text;

-- What is still to be mended of a file.
create table batch.amended (
  first text collate "C" primary key references batch.batch (id),
  -- A bit for each row of the first file: set while it is set aside.
  rows_open bytea not null,
  -- The batch that mends some of them now: one at a time, so that each merges with what stands.
  holder text collate "C"
);

-- Of a mended file: the rows of the first one that it has, a bit each, as far as it was read.
alter table batch.work add column rows_mended bytea;

alter table batch.unit
  -- The latest declaration of its employer and period when it was checked.
  add column latest text collate "C",
  -- The declaration whose lines it keeps, of another batch; null where all lines are the file's own.
  add column keeps text collate "C";

grant select, insert, update on batch.amended to spillway_app;

drop view batch.progress;

create or replace view batch.upload as
select
  id, number, subject, may_file_for, employer, period, region, kind, format, mode, file_name, size,
  expected_digest, received, chunks, stage, digest, same_as,
  (extract(epoch from received_at) * 1000000)::bigint as received_at,
  (extract(epoch from created_at) * 1000000)::bigint as created_at,
  (extract(epoch from touched_at) * 1000000)::bigint as touched_at,
  amends, receipt
from batch.batch;

-- As before.
create view batch.progress as
select
  u.*,
  w.version, w.bytes_read, w.rows_read, w.rows_good, w.rows_set_aside, w.rows_filed, w.declarations,
  w.findings,
  (extract(epoch from w.changed_at) * 1000000)::bigint as changed_at,
  (extract(epoch from w.began_at) * 1000000)::bigint as began_at,
  (extract(epoch from w.read_at) * 1000000)::bigint as read_at,
  (extract(epoch from w.checked_at) * 1000000)::bigint as checked_at,
  (extract(epoch from w.filed_at) * 1000000)::bigint as filed_at,
  (extract(epoch from w.posted_at) * 1000000)::bigint as posted_at,
  (extract(epoch from e.last_posted_at) * 1000000)::bigint as last_posted_at,
  coalesce(e.rows_posted, 0) as rows_posted,
  coalesce(e.dead_letters, 0) as dead_letters
from batch.upload u
left join batch.work w on w.batch = u.id
left join lateral (
  select
    sum(e.rows) filter (where n.envelope is null) as rows_posted,
    max(p.posted_at) as last_posted_at,
    sum((
      select count(*) from ledger.open_dead_letter l where l.envelope = e.envelope
    )) as dead_letters
  from batch.envelope e
  left join journal.unposted n on n.envelope = e.envelope
  left join ledger.posting p on p.envelope = e.envelope
  where e.batch = w.batch
) e on w.rows_filed > 0;

grant select on batch.progress to spillway_app;

-- Edited so that it holds no lock while it reads a table; what all migrations together make is as before.
--! formerly 2925784948f72a41a44971a03facce2dbc6e1a729d4e5259ab9d8417cd3311c3
