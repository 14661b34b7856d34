-- A file that can't be filed to its end stayed in filing for ever: an operator takes it out, and says why.

create table batch.intervention (
  id bigint generated always as identity primary key,
  batch text collate "C" not null,
  act text not null check (act in ('cancel', 'recheck')),
  operator text not null,
  reason text not null,
  at timestamptz not null default now()
);

grant select, insert on batch.intervention to spillway_app;

alter table batch.work
  -- How often an operator had it checked anew: what is checked then is filed under other ids.
  add column rechecks integer not null default 0,
  -- It was taken out of filing: what of it was filed is to be settled, once nobody files it any more.
  add column to_settle boolean not null default false;

-- What was not filed is checked anew.
grant delete on batch.unit to spillway_app;
