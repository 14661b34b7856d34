-- In a storm one filer tries many times a second: attempts of one filer for one reason are counted
-- together, for as long as they wait to be written, so that all are counted and few are kept.

alter table journal.attempt
  -- Of the last of them, where there are several; `at` is of the first.
  add column last_at timestamptz,
  add column tickets integer not null default 1,
  add constraint attempt_tickets_check check (tickets > 0) not valid;

-- Edited so that it holds no lock while it reads a table; what all migrations together make is as before.
--! formerly 234a21f544870d9169b1b9eab160787906568b0fdd839caadb09aacb0093b12c
