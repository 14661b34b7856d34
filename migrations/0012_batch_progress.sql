-- What who sent a file sees of the work on it: how far it came and how fast, and the rows that were set
-- aside, in the cells they were filed in, to be mended and sent again.

alter table batch.work
  -- Of the file, before the place where reading goes on; 0 where its format doesn't tell.
  add column bytes_read bigint not null default 0,
  -- Of the last step that was written: a rate that is told must not change without a change.
  add column changed_at timestamptz not null default now(),
  -- Where the second reading goes on, which picks the rows that are wrong; sealed.
  add column errors_position bytea;

-- Of the file, whose lines it holds.
alter table batch.envelope add column rows bigint not null default 0;
grant update on batch.envelope to spillway_app;

-- The stretch of the file that its rows are in: they are picked from it stretch by stretch.
alter table batch.set_aside add column stretch integer not null default 0;

-- Rows as they were filed, with what is wrong with each, in the file's order.
create table batch.error_row (
  batch text collate "C" not null,
  number integer not null,
  rows integer not null,
  sealed bytea not null,
  primary key (batch, number)
);
alter table batch.error_row alter column sealed set storage external;

grant select, insert, delete on batch.error_row to spillway_app;

-- A batch and how far it is: one row of each table by its key, and one for each of its envelopes.
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
--! formerly 5668ded65faeb34293d8c40c019579bde1b273abc5f28329e3a767f9ab724d58
