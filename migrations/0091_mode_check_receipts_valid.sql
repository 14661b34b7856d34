-- Files from before 0090 are checked while others are received.
--! no-transaction
alter table batch.batch validate constraint batch_mode_check;
