-- Whoever took a posting worker over can let nobody in again: to lift a denial takes a role that no process has.
-- To deny does not, so that a leak can be stopped with any login of before.

do $$
begin
  create role spillway_operating nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
  if not pg_has_role('spillway_operating', 'spillway_posting', 'usage') then
    grant spillway_posting to spillway_operating;
  end if;
  if not pg_has_role(current_user, 'spillway_operating', 'set') then
    execute format('grant spillway_operating to %I', current_user);
  end if;
exception
  -- Two databases of a cluster at once; or the role is another owner's, who grants it.
  when unique_violation or insufficient_privilege then null;
end
$$;

alter table journal.denial enable row level security;
create policy read on journal.denial for select to spillway_app using (true);
create policy deny on journal.denial for insert to spillway_posting with check (act = 'deny');
create policy lift on journal.denial for insert to spillway_operating with check (true);
