-- A process has the rights of its kind alone: intake and batch workers write nothing in the ledger, and what
-- is in force and what is unposted changes by posting alone, in two procedures of the owner's.

-- What posting workers act as: all that other processes may, and the ledger. Whoever was a login of all
-- processes until now stays one.
do $$
declare
  login name;
begin
  create role spillway_posting nologin;
  for login in
    select m.rolname
    from pg_auth_members g
    join pg_roles m on m.oid = g.member
    where g.roleid = 'spillway_app'::regrole and m.rolname <> 'spillway_posting'
  loop
    execute format('grant spillway_posting to %I', login);
  end loop;
exception
  when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
  if not pg_has_role('spillway_posting', 'spillway_app', 'usage') then
    grant spillway_app to spillway_posting;
  end if;
  -- Whoever migrates replays, too. Who may give a role to others has not the role for that.
  if not pg_has_role(current_user, 'spillway_posting', 'set') then
    execute format('grant spillway_app, spillway_posting to %I', current_user);
  end if;
end
$$;

revoke create on schema public from public;

revoke delete on journal.unposted from spillway_app;
-- Of an outage, when it began and why is written once.
revoke update on journal.outage from spillway_app;
grant update (last_at, ended_at, refused, failed) on journal.outage to spillway_app;

revoke insert
  on ledger.posting, ledger.declaration, ledger.line, ledger.reassessment, ledger.reassessment_line,
    ledger.dead_letter, ledger.dead_letter_retry, ledger.books
  from spillway_app;
grant insert
  on ledger.posting, ledger.declaration, ledger.line, ledger.reassessment, ledger.reassessment_line,
    ledger.dead_letter, ledger.dead_letter_retry, ledger.books
  to spillway_posting;
revoke insert, update on ledger.in_force, ledger.last_cancellation, ledger.whole from spillway_app;

-- Takes an envelope off the unposted, in the transaction that posts it: where its marker is there, and all
-- that was accepted in it is posted or a dead letter.
create procedure ledger.take_off_unposted(of_envelope bigint)
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (select from ledger.posting p where p.envelope = of_envelope)
    or (select count(*) from journal.acceptance a where a.envelope = of_envelope)
      > (select count(*) from ledger.declaration d where d.envelope = of_envelope)
        + (select count(*) from ledger.reassessment r where r.envelope = of_envelope)
        + (select count(*) from ledger.dead_letter l where l.envelope = of_envelope)
  then
    raise exception 'envelope % is not posted', of_envelope using errcode = 'insufficient_privilege';
  end if;
  delete from journal.unposted u where u.envelope = of_envelope;
end
$$;

-- Raises what is in force, and the highest cancellation, to what an envelope's posted declarations say, of
-- those that were accepted there; it never lowers either. Rows go in sorted by key: two envelopes that share
-- employers can't deadlock. `of_parts` are the positions of those that travel in parts, each given once: of
-- what they belong to, the parts are counted, and the head counts once all of them are posted. The row of a
-- whole is locked from then on: of two transactions, the second counts what the first did.
create procedure ledger.raise_in_force(of_envelope bigint, of_parts integer[])
language plpgsql
security definer
set search_path = ''
as $$
begin
  if cardinality(of_parts) > 0 then
    insert into ledger.whole as held
      (id, employer, period, parts, posted, head_envelope, head_position)
    select
      coalesce(d.part_of, d.id), d.employer, d.period, d.parts, count(*),
      max(d.envelope) filter (where d.part_of is null),
      max(d.position) filter (where d.part_of is null)
    from ledger.declaration d
    join journal.acceptance a on a.envelope = d.envelope and a.position = d.position
    where d.envelope = of_envelope and d.position = any(of_parts)
      and a.id = d.id and a.employer = d.employer and a.period = d.period
    group by coalesce(d.part_of, d.id), d.employer, d.period, d.parts
    order by coalesce(d.part_of, d.id)
    on conflict (id) do update
    set posted = held.posted + excluded.posted,
      head_envelope = coalesce(held.head_envelope, excluded.head_envelope),
      head_position = coalesce(held.head_position, excluded.head_position);
  end if;

  insert into ledger.in_force as held (employer, period, envelope, position)
  select distinct on (p.employer, p.period) p.employer, p.period, p.envelope, p.position
  from (
    select d.employer, d.period, d.envelope, d.position
    from ledger.declaration d
    join journal.acceptance a on a.envelope = d.envelope and a.position = d.position
    where d.envelope = of_envelope and d.parts = 1
      and a.id = d.id and a.employer = d.employer and a.period = d.period
    union all
    select w.employer, w.period, w.head_envelope, w.head_position
    from ledger.whole w
    where w.posted = w.parts
      and w.id in (
        select coalesce(d.part_of, d.id)
        from ledger.declaration d
        where d.envelope = of_envelope and d.position = any(of_parts)
      )
  ) p
  order by p.employer, p.period, p.envelope desc, p.position desc
  on conflict (employer, period) do update
  set envelope = excluded.envelope, position = excluded.position
  where (excluded.envelope, excluded.position) > (held.envelope, held.position);

  insert into ledger.last_cancellation as held (employer, period, envelope, position)
  select distinct on (d.employer, d.period) d.employer, d.period, d.envelope, d.position
  from ledger.declaration d
  join journal.acceptance a on a.envelope = d.envelope and a.position = d.position
  where d.envelope = of_envelope and d.kind = 'cancellation'
    and a.id = d.id and a.employer = d.employer and a.period = d.period and a.kind = d.kind
  order by d.employer, d.period, d.envelope desc, d.position desc
  on conflict (employer, period) do update
  set envelope = excluded.envelope, position = excluded.position
  where (excluded.envelope, excluded.position) > (held.envelope, held.position);
end
$$;

revoke execute on procedure ledger.take_off_unposted(bigint) from public;
revoke execute on procedure ledger.raise_in_force(bigint, integer[]) from public;
grant execute on procedure ledger.take_off_unposted(bigint) to spillway_posting;
grant execute on procedure ledger.raise_in_force(bigint, integer[]) to spillway_posting;
