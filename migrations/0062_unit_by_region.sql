-- The units of a file, in their order.
--! no-transaction
create unique index concurrently if not exists unit_by_region
  on batch.unit (batch, employer, period, region, entry);
