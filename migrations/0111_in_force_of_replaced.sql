-- What was replaced before by a declaration of another region is in force no more in its own.
--! no-transaction
insert into ledger.in_force as held (employer, period, region, envelope, position)
select distinct on (e.employer, e.period, e.region)
  e.employer, e.period, e.region, e.envelope, e.position
from ledger.replaced_elsewhere e
order by e.employer, e.period, e.region, e.envelope desc, e.position desc
on conflict (employer, period, region) do update
set envelope = excluded.envelope, position = excluded.position
where (excluded.envelope, excluded.position) > (held.envelope, held.position);
