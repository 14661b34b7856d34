-- Dead letters are tried again after a fix, and nothing about them is ever deleted: each try is a row.

create table ledger.dead_letter_retry (
  envelope bigint not null,
  position integer not null,
  at timestamptz not null default now(),
  -- Who tried: the operating system's user of the command.
  operator text not null,
  posted boolean not null,
  -- Of a try that failed.
  code text,
  reason text
);

create index dead_letter_retry_by_letter on ledger.dead_letter_retry (envelope, position, at);

grant select, insert on ledger.dead_letter_retry to spillway_app;

-- Dead letters whose declaration or reassessment is not posted to this day.
create view ledger.open_dead_letter as
select l.*
from ledger.dead_letter l
where not exists (
    select from ledger.declaration d where d.envelope = l.envelope and d.position = l.position
  )
  and not exists (
    select from ledger.reassessment r where r.envelope = l.envelope and r.position = l.position
  );

grant select on ledger.open_dead_letter to spillway_app;
