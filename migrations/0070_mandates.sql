-- A file belongs to a person of an issuer; and what may be filed and seen of it follows from all tokens that
-- brought its bytes, not from the first alone.

alter table batch.batch
  -- Of the token that began it: the same subject of another issuer is another person. Empty: it was begun
  -- before issuers were kept. Since then idempotency_key begins with the issuer and a space, in slots too.
  add column issuer text not null default '',
  -- Employers that any token named that began it or brought bytes; may_file_for has those that every one of
  -- them named. Null: what the first one named is all that is known.
  add column named text[];
alter table batch.slot add column issuer text not null default '';
alter table batch.content add column issuer text not null default '';

create or replace view batch.upload as
select
  id, number, subject, may_file_for, employer, period, region, kind, format, mode, file_name, size,
  expected_digest, received, chunks, stage, digest, same_as,
  (extract(epoch from received_at) * 1000000)::bigint as received_at,
  (extract(epoch from created_at) * 1000000)::bigint as created_at,
  (extract(epoch from touched_at) * 1000000)::bigint as touched_at,
  amends, receipt, issuer, coalesce(named, may_file_for) as named
from batch.batch;

-- As before; and the same of it.
create or replace view batch.progress as
select
  u.id, u.number, u.subject, u.may_file_for, u.employer, u.period, u.region, u.kind, u.format, u.mode,
  u.file_name, u.size, u.expected_digest, u.received, u.chunks, u.stage, u.digest, u.same_as,
  u.received_at, u.created_at, u.touched_at, u.amends, u.receipt,
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
  w.declarations_good, w.lines_good, w.employer_fen, w.employee_fen,
  u.issuer, u.named
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
