-- The batches that amend another, by the first of them.
--! no-transaction
create index concurrently if not exists batch_by_first
  on batch.batch (first)
  where first is not null;
