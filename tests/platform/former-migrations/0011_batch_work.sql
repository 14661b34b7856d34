-- What becomes of a file that was received: its rows by employer and period, sealed, what is set
-- aside, and what is filed. Each step leaves what it did here, so that another process goes on there.

create table batch.work (
  batch text collate "C" primary key references batch.batch (id),
  -- Who works on it, and until when nobody else does. Every write names the worker.
  worker uuid,
  leased_until timestamptz,
  -- Where reading goes on; sealed, as rows may be held in it.
  position bytea,
  -- Told to who watches: it grows with every change.
  version bigint not null default 1,
  rows_read bigint not null default 0,
  pieces integer not null default 0,
  rows_good bigint not null default 0,
  rows_set_aside bigint not null default 0,
  rows_filed bigint not null default 0,
  declarations integer not null default 0,
  -- Of the file as a whole, sealed: they may name what it says.
  findings bytea,
  began_at timestamptz not null default now(),
  read_at timestamptz,
  checked_at timestamptz,
  filed_at timestamptz,
  posted_at timestamptz,
  -- When what is not needed any more was deleted: bytes and rows.
  forgotten_at timestamptz
);

create index batch_to_forget on batch.work (batch) where forgotten_at is null;

-- Rows of one employer and period, in the file's order.
create table batch.piece (
  batch text collate "C" not null,
  employer text collate "C" not null,
  period text collate "C" not null,
  -- In a file of declarations: the row of one; 0 in a table.
  entry integer not null,
  number integer not null,
  rows integer not null,
  sealed bytea not null,
  primary key (batch, employer, period, entry, number)
);
alter table batch.piece alter column sealed set storage external;

-- What is filed for an employer and period, in how many parts; written once it is checked.
create table batch.unit (
  batch text collate "C" not null,
  employer text collate "C" not null,
  period text collate "C" not null,
  entry integer not null,
  -- Of the declaration, its head where it has parts.
  id text collate "C" not null,
  rows_good integer not null,
  rows_set_aside integer not null,
  -- Of the rows that are good: of a platform's worker, several rows are one line.
  lines integer not null,
  -- What a correction replaces.
  replaces text collate "C",
  parts integer not null,
  parts_filed integer not null default 0,
  primary key (batch, employer, period, entry)
);

-- Rows that are not filed, with what is wrong: by the piece that they were checked with.
create table batch.set_aside (
  batch text collate "C" not null,
  employer text collate "C" not null,
  period text collate "C" not null,
  entry integer not null,
  number integer not null,
  rows integer not null,
  sealed bytea not null,
  primary key (batch, employer, period, entry, number)
);
alter table batch.set_aside alter column sealed set storage external;

-- Which envelopes hold what was filed: it is posted when none of them is unposted.
create table batch.envelope (
  batch text collate "C" not null,
  envelope bigint not null,
  primary key (batch, envelope)
);

grant select, insert, update on batch.work, batch.unit to spillway_app;
grant select, insert, update, delete on batch.piece, batch.set_aside to spillway_app;
grant select, insert on batch.envelope to spillway_app;

create index batch_to_work_on on batch.batch (received_at)
  where stage in ('received', 'reading', 'checking', 'filing');
create index batch_posting on batch.batch (id) where stage = 'posting';
