-- In a storm one filer tries many times a second: attempts of one filer for one reason are counted
-- together, for as long as they wait to be written, so that all are counted and few are kept.

alter table journal.attempt
  -- Of the last of them, where there are several; `at` is of the first.
  add column last_at timestamptz,
  add column tickets integer not null default 1 check (tickets > 0);
