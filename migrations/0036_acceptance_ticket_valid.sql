-- The tickets of acceptances from before 0007 are checked while others are accepted.
--! no-transaction
alter table journal.acceptance validate constraint acceptance_ticket_check;
