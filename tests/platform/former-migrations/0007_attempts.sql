-- A filing that comes back with an attempt ticket counts from the time of that attempt. The ticket is
-- kept by its hash, so that it serves once.

alter table journal.acceptance
  add column attempted_at timestamptz,
  add column ticket bytea check (length(ticket) = 32);

create unique index acceptance_by_ticket on journal.acceptance (ticket) where ticket is not null;
