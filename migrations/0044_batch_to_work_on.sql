-- The files that wait for a worker, in the order of their receipt.
--! no-transaction
create index concurrently if not exists batch_to_work_on
  on batch.batch (received_at)
  where stage in ('received', 'reading', 'checking', 'filing');
