-- An attempt ticket serves once.
--! no-transaction
create unique index concurrently if not exists acceptance_by_ticket
  on journal.acceptance (ticket)
  where ticket is not null;
