-- What is in force for each employer, period and region. Its first columns serve earlier programs.
--! no-transaction
create unique index concurrently if not exists in_force_by_region
  on ledger.in_force (employer, period, region);
