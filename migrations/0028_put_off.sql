-- Envelopes that could not be posted for a reason that time alone does not mend: they leave the queue,
-- where they would be taken before good ones, and the sweeper brings each back ever more slowly.
-- A row outlives its posting until a sweep forgets it: a posting pays nothing for this table.
create table journal.put_off (
  envelope bigint primary key,
  lane text not null,
  -- What the last try met, as posting's metrics name it.
  code text not null,
  tries integer not null check (tries > 0),
  next_try timestamptz not null
);

create index put_off_by_next_try on journal.put_off (next_try);

grant select, insert, update, delete on journal.put_off to spillway_app;
