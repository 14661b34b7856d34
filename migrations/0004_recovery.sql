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

-- The books of a day: what was accepted in it, and what became of it. Each is signed, names the one
-- before by its hash, and is never changed; books that are made again later are another row.
create table ledger.books (
  number bigint generated always as identity primary key,
  day date not null,
  -- Compact JWS; its payload is the books.
  signed text not null,
  made_at timestamptz not null default now()
);

create index books_by_day on ledger.books (day);

grant select, insert on ledger.books to spillway_app;

-- Edited so that it holds no lock while it reads a table; what all migrations together make is as before.
--! formerly bf706eecf3f2e644f144bb7707429040749d20adbb33d16e16cd350e1d6ff177
