-- Acceptances of a day: written in the order of time, so a few bytes for each hundred pages do.
--! no-transaction
create index concurrently if not exists acceptance_by_instant
  on journal.acceptance using brin (accepted_at);
