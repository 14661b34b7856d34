-- The last cancellation of each employer, period and region. Its first columns serve earlier programs.
--! no-transaction
create unique index concurrently if not exists last_cancellation_by_region
  on ledger.last_cancellation (employer, period, region);
