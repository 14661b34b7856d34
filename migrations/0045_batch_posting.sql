-- The files of which something is still to be posted.
--! no-transaction
create index concurrently if not exists batch_posting
  on batch.batch (id)
  where stage = 'posting';
