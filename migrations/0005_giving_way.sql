-- Posting gives way to acceptance: each envelope tells how long its writer's commit before it took,
-- and workers, which post what is in this table, read it here. It costs no statement of its own.

alter table journal.unposted
  add column committed_at timestamptz not null default now(),
  -- Milliseconds of the accepting statement before this one, by the same process; null for its first.
  add column commit_ms_before real;
