-- Rows that were set aside name persons, so they are not kept for ever: for so many days after a batch
-- has ended, its sender can fetch them; then they are deleted, and what tells where they were.

-- What is kept still, by when its batch had ended.
create index batch_errors_to_forget on batch.work (forgotten_at) where errors_position is not null;
