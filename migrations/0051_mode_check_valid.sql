-- The modes of files from before 0050 are checked while others are received.
--! no-transaction
alter table batch.batch validate constraint batch_mode_check;
