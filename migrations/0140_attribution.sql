-- Who began a file, brought its last byte or cancelled it is kept with the file, and who ran a command with what
-- it did.

create table batch.act (
  batch text collate "C" not null,
  number bigint generated always as identity,
  act text not null check (act in ('begin', 'complete', 'cancel')),
  -- When, and who by which token from where (src/batch/acts.ts): with the keys of envelopes, bound to batch and
  -- act.
  sealed bytea not null,
  primary key (batch, number)
);

grant select, insert on batch.act to spillway_app;

-- The login is what the database knows of who acts: no process may say another. Null: of before.
alter table batch.intervention
  add column login text,
  add column os_user text;
alter table batch.intervention alter column login set default session_user::text;
alter table ledger.dead_letter_retry add column login text;
alter table ledger.dead_letter_retry alter column login set default session_user::text;

revoke insert on batch.intervention from spillway_app;
grant insert (batch, act, operator, reason, os_user) on batch.intervention to spillway_app;
revoke insert on ledger.dead_letter_retry from spillway_posting;
grant insert (envelope, position, operator, posted, code, reason) on ledger.dead_letter_retry
  to spillway_posting;
