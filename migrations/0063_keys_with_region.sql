-- The keys without the region would let one declaration of an employer and period be in force. Workers of an
-- earlier program can't raise it any more: what they take waits until workers of this one post it.

alter table ledger.in_force
  alter column region drop default,
  drop constraint in_force_pkey,
  add constraint in_force_pkey primary key using index in_force_by_region;
alter table ledger.last_cancellation
  alter column region drop default,
  drop constraint last_cancellation_pkey,
  add constraint last_cancellation_pkey primary key using index last_cancellation_by_region;
