-- The acceptances from before 0081 are checked while others are accepted.
--! no-transaction
alter table journal.acceptance
  validate constraint acceptance_salted_digest_check,
  validate constraint acceptance_one_digest;
