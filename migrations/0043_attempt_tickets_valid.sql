-- The attempts from before 0016 are checked while others are counted.
--! no-transaction
alter table journal.attempt validate constraint attempt_tickets_check;
