-- The declarations from before 0010 are checked while others are posted.
--! no-transaction
alter table ledger.declaration validate constraint declaration_parts_check;
