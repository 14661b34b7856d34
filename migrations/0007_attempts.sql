-- A filing that comes back with an attempt ticket counts from the time of that attempt. The ticket is
-- kept by its hash, so that it serves once.

alter table journal.acceptance
  add column attempted_at timestamptz,
  add column ticket bytea,
  add constraint acceptance_ticket_check check (length(ticket) = 32) not valid;

-- Edited so that it holds no lock while it reads a table; what all migrations together make is as before.
--! formerly b04b29f6f3d841e97d70447087f85aa4c571a2d9c564124b18c9180a79cd69b6
