-- A connection of intake that answers lookups sees the rows of those whom it answers, and no others, whatever the
-- statement says: a check that a route forgets leaks nothing (src/journal/reading/read-pool.ts).

-- Each statement says for whom it reads, in settings of its own transaction: where it says nothing, it sees nothing.
--   spillway.employers  social credit codes, with commas between
--   spillway.regions    of staff, an array of patterns of regions, and 'none': what has no region yet
--   spillway.issuer, spillway.subject  of the token, for its own files
do $$
begin
  create role spillway_reading nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

-- Whoever could look up until now, can; the batch worker of the embedded Postgres looks nothing up.
do $$
declare
  login name;
begin
  for login in
    select m.rolname
    from pg_auth_members g
    join pg_roles m on m.oid = g.member
    where g.roleid = 'spillway_app'::regrole and m.rolname not in ('spillway_posting', 'spillway_batch_worker')
  loop
    execute format('grant spillway_reading to %I', login);
  end loop;
exception
  when unique_violation then null;
end
$$;

grant usage on schema journal, ledger, batch to spillway_reading;
grant select on public.spillway_migration, journal.policy_pack to spillway_reading;

-- Whether the statement may see what is of this employer and region. A code has 18 characters, whatever lies
-- around it: to look for it in a text takes 0.2 us, and 5 us in one of 500; to read an array of these takes 20.
create function journal.sees(employer text, region text)
returns boolean
language sql
stable
parallel safe
begin atomic
  select length(employer) = 18 and strpos(current_setting('spillway.employers', true), employer) > 0
    or case when current_setting('spillway.regions', true) <> ''
      then coalesce(region, 'none') like any (current_setting('spillway.regions', true)::text[])
      else false
    end;
end;

alter table journal.acceptance enable row level security;
create policy whole on journal.acceptance to spillway_app using (true) with check (true);
create policy read on journal.acceptance for select to spillway_reading using (
  journal.sees(employer, region)
);
grant select on journal.acceptance to spillway_reading;

-- What was accepted together is sealed as one: who sees one of it, sees the envelope.
alter table journal.envelope enable row level security;
create policy whole on journal.envelope to spillway_app using (true) with check (true);
create policy read on journal.envelope for select to spillway_reading using (
  exists (select from journal.acceptance a where a.envelope = number)
);
grant select on journal.envelope to spillway_reading;

alter table ledger.in_force enable row level security;
create policy whole on ledger.in_force to spillway_app using (true) with check (true);
create policy read on ledger.in_force for select to spillway_reading using (
  journal.sees(employer, region)
);
grant select on ledger.in_force to spillway_reading;

-- They tell the region of a place, and which differences count; callers know the place.
alter function journal.region_of(bigint, integer) security definer;
alter function ledger.reassessments_that_count(bigint, integer) security definer;

-- Posting copies into the ledger, and Postgres copies into no table with policies. Of these tables, lookups read
-- these views; all others see all in them.
create schema seen;
grant usage on schema seen to spillway_app, spillway_reading;

create view seen.declaration as
select d.*
from ledger.declaration d
where current_user <> 'spillway_reading' or journal.sees(d.employer, d.region);

create view seen.line as
select l.*
from seen.declaration d
join ledger.line l on l.envelope = d.envelope and l.position = d.position;

create view seen.in_force_part as
select d.*
from ledger.in_force_part d
where current_user <> 'spillway_reading' or journal.sees(d.employer, d.region);

create view seen.reassessment as
select r.*
from ledger.reassessment r
where current_user <> 'spillway_reading' or journal.sees(r.employer, r.region);

create view seen.reassessment_that_counts as
select r.*
from ledger.reassessment_that_counts r
where current_user <> 'spillway_reading' or journal.sees(r.employer, r.region);

create view seen.amount as
select d.envelope, d.position, a.insurance, a.base_fen, a.employer_fen, a.employee_fen
from seen.declaration d
cross join lateral (
  values
    ('pension', d.pension_base_fen, d.pension_employer_fen, d.pension_employee_fen),
    ('medical', d.medical_base_fen, d.medical_employer_fen, d.medical_employee_fen),
    ('unemployment', d.unemployment_base_fen, d.unemployment_employer_fen, d.unemployment_employee_fen),
    ('work-injury', d.work_injury_base_fen, d.work_injury_employer_fen, d.work_injury_employee_fen),
    ('occupational-injury', 0, d.occupational_injury_employer_fen, 0)
) as a (insurance, base_fen, employer_fen, employee_fen)
where d.lines > 0 and (a.insurance <> 'occupational-injury' or a.employer_fen <> 0)
union all
select r.envelope, r.position, a.insurance, a.base_fen, a.employer_fen, a.employee_fen
from seen.reassessment_that_counts r
cross join lateral (
  values
    ('pension', r.pension_base_fen, r.pension_employer_fen, r.pension_employee_fen),
    ('medical', r.medical_base_fen, r.medical_employer_fen, r.medical_employee_fen),
    ('unemployment', r.unemployment_base_fen, r.unemployment_employer_fen, r.unemployment_employee_fen),
    ('work-injury', r.work_injury_base_fen, r.work_injury_employer_fen, r.work_injury_employee_fen),
    ('occupational-injury', 0, r.occupational_injury_employer_fen, 0)
) as a (insurance, base_fen, employer_fen, employee_fen)
where a.insurance <> 'occupational-injury' or a.employer_fen <> 0;

create view seen.declaration_status as
select s.*
from ledger.declaration_status s
join journal.acceptance a on a.id = s.id
where current_user <> 'spillway_reading' or journal.sees(a.employer, coalesce(a.region, s.region));

create view seen.replaced_elsewhere as
select e.*
from ledger.replaced_elsewhere e
where current_user <> 'spillway_reading' or journal.sees(e.employer, e.region);

-- A file is its sender's; what is in it is seen by who sees the file.
alter table batch.batch enable row level security;
create policy whole on batch.batch to spillway_app using (true) with check (true);
create policy read on batch.batch for select to spillway_reading using (
  subject = (select nullif(current_setting('spillway.subject', true), ''))
  and issuer in ((select current_setting('spillway.issuer', true)), '')
);
alter table batch.slot enable row level security;
create policy whole on batch.slot to spillway_app using (true) with check (true);
create policy read on batch.slot for select to spillway_reading using (
  subject = (select nullif(current_setting('spillway.subject', true), ''))
  and issuer in ((select current_setting('spillway.issuer', true)), '')
);
do $$
declare
  part text;
begin
  foreach part in array array['work', 'piece', 'unit', 'error_row']
  loop
    execute format('alter table batch.%I enable row level security', part);
    execute format('create policy whole on batch.%I to spillway_app using (true) with check (true)', part);
    execute format(
      'create policy read on batch.%I for select to spillway_reading using (
        exists (select from batch.batch b where b.id = batch)
      )',
      part
    );
  end loop;
end
$$;
grant select on batch.batch, batch.slot, batch.work, batch.piece, batch.unit, batch.error_row
  to spillway_reading;

create view seen.progress as
select p.*
from batch.progress p
where current_user <> 'spillway_reading'
  or p.subject = (select nullif(current_setting('spillway.subject', true), ''))
    and p.issuer in ((select current_setting('spillway.issuer', true)), '');

grant select on all tables in schema seen to spillway_app, spillway_reading;
