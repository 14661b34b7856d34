-- The wrong rows that are kept still, by when their batch had ended.
--! no-transaction
create index concurrently if not exists batch_errors_to_forget
  on batch.work (forgotten_at)
  where errors_position is not null;
