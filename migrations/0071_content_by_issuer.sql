-- What decides between two files that end at the same time has their sender's issuer.
--! no-transaction
create unique index concurrently if not exists content_by_issuer
  on batch.content (issuer, subject, employer, period, region, kind, digest);
