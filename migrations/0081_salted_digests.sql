-- A digest without a key gives away what it is of: whoever has the database and knows a name finds the
-- identity number in seconds. From now on it is salted with what only the keyring tells (src/journal/salting.ts).
alter table journal.acceptance
  -- Of each acceptance one of the two: a program of before meets no digest, and never takes one for the other.
  add column salted_digest bytea,
  alter column digest drop not null,
  add constraint acceptance_salted_digest_check check (length(salted_digest) = 32) not valid,
  add constraint acceptance_one_digest check (num_nonnulls(digest, salted_digest) = 1) not valid;

-- Has a row once no intake runs that writes, and reads, digests without a salt alone.
create table journal.salting (
  begun boolean primary key default true check (begun),
  since timestamptz not null default now()
);

grant select on journal.salting to spillway_app;
