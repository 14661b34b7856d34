-- Who read what, in a log of its own that nobody can change, cut or reorder unseen (src/access/).

create schema access;

-- Entries are written in groups; each follows the one before. No login may insert, update or delete: a group
-- comes in by the function below alone.
create table access.log (
  number bigint primary key check (number > 0),
  previous_link bytea not null unique check (length(previous_link) = 32),
  link bytea not null check (length(link) = 32),
  -- Of its entries.
  first_at timestamptz not null,
  last_at timestamptz not null,
  entries integer not null check (entries > 0),
  -- The entries, with the keys of envelopes, bound to number and previous link.
  sealed bytea not null
);

-- Sealed bytes are compressed and look random: do not try again.
alter table access.log alter column sealed set storage external;

-- An export of some days.
create index log_by_last_at on access.log (last_at);

-- Appends a group where it follows the last one, and its link is of all that it has; else tells the last one, and
-- appends nothing. One at a time: who comes second waits for the first one's commit, and is told of it.
create function access.append(
  of_number bigint, after_link bytea, with_link bytea, of_first timestamptz, of_last timestamptz,
  of_entries integer, with_sealed bytea
)
returns table (number bigint, link bytea)
language plpgsql
security definer
set search_path = ''
as $$
declare
  head record;
begin
  -- Any fixed number serves.
  perform pg_advisory_xact_lock(5177204140);
  select coalesce(max(l.number), 0) as number into head from access.log l;
  number := head.number;
  link := coalesce(
    (select l.link from access.log l where l.number = head.number),
    decode(repeat('00', 32), 'hex')
  );
  if of_number <> number + 1 or after_link <> link then
    return next;
    return;
  end if;
  if with_link <> sha256(
    after_link || int8send(of_number)
      || int8send((extract(epoch from of_first) * 1000)::bigint)
      || int8send((extract(epoch from of_last) * 1000)::bigint)
      || int4send(of_entries) || with_sealed
  ) then
    raise exception 'the link is of something else' using errcode = 'data_exception';
  end if;
  insert into access.log (number, previous_link, link, first_at, last_at, entries, sealed)
  values (of_number, after_link, with_link, of_first, of_last, of_entries, with_sealed);
end
$$;

revoke execute on function access.append(
  bigint, bytea, bytea, timestamptz, timestamptz, integer, bytea
) from public;

grant usage on schema access to spillway_app;
grant execute on function access.append(
  bigint, bytea, bytea, timestamptz, timestamptz, integer, bytea
) to spillway_app;
-- Intake and batch workers write it blindly; commands read it.
grant select on access.log to spillway_posting;
