-- What is set aside of the units of a file.
--! no-transaction
create unique index concurrently if not exists set_aside_by_region
  on batch.set_aside (batch, employer, period, region, entry, number);
