-- What tells a file's content apart gives that away as a declaration's digest does: it is sealed, and what it is
-- found again by is keyed (src/batch/file-digest.ts).
alter table batch.batch
  -- The SHA-256 that was said before it came; and that of all its bytes, with its receipt.
  add column sealed_expected bytea,
  add column sealed_received bytea;
