-- Rows that are wrong are picked from a file stretch by stretch.
--! no-transaction
create index concurrently if not exists set_aside_by_stretch
  on batch.set_aside (batch, stretch);
