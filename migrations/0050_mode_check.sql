-- A file of mode check is read and checked, and nothing of it is filed, whichever worker takes it: one of
-- an earlier version, which knows no such mode, can't move it on either.
alter table batch.batch
  drop constraint batch_mode_check,
  add constraint batch_mode_check check (
    mode in ('all-or-nothing', 'accept-good', 'check')
    and (mode <> 'check' or stage not in ('filing', 'posting', 'posted'))
  ) not valid;

-- Of a file of mode check: what its good lines come to, as they would be assessed.
alter table batch.unit
  add column employer_fen bigint,
  add column employee_fen bigint;

-- The same of all its units, and what would be filed; null until all is checked.
alter table batch.work
  add column declarations_good integer,
  add column lines_good bigint,
  add column employer_fen bigint,
  add column employee_fen bigint;

-- As before; and what would be filed.
create or replace view batch.progress as
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
  coalesce(e.dead_letters, 0) as dead_letters,
  w.declarations_good, w.lines_good, w.employer_fen, w.employee_fen
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
