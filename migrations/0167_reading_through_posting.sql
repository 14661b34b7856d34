-- A login that has spillway_app through spillway_posting alone could look up until 0157, which left it out: its
-- intake did not start. Logins of workers gain nothing by it: they see all rows already.
do $$
declare
  login name;
begin
  for login in
    select m.rolname
    from pg_auth_members g
    join pg_roles m on m.oid = g.member
    where g.roleid = 'spillway_posting'::regrole
      and m.rolcanlogin
      and m.rolname <> 'spillway_worker'
      and not pg_has_role(m.oid, 'spillway_reading', 'member')
  loop
    execute format('grant spillway_reading to %I', login);
  end loop;
exception
  -- Two databases of a cluster at once; or the roles are another owner's, who grants them.
  when unique_violation or insufficient_privilege then null;
end
$$;
