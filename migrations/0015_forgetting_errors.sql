-- Rows that were set aside name persons, so they are not kept for ever: for so many days after a batch
-- has ended, its sender can fetch them; then they are deleted, and what tells where they were.

-- The index for it, batch_errors_to_forget, is made by 0041.

-- Edited so that it holds no lock while it reads a table; what all migrations together make is as before.
--! formerly 7d10554573caf556ffd839d77fd161a8b02f2b0e741dd0aec4b5d9f07a3ca29d
