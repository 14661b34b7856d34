-- What decides between two files that end at the same time has their region.
--! no-transaction
create unique index concurrently if not exists content_by_region
  on batch.content (subject, employer, period, region, kind, digest);
