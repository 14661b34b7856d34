-- What was in force before is so in the region that its declaration names; and so is, in its own, what was
-- replaced by a declaration of another region.
--! no-transaction
with held as (
  select f.employer, f.period, d.region
  from ledger.in_force f
  join ledger.declaration d on d.envelope = f.envelope and d.position = f.position
), filled as (
  update ledger.in_force f
  set region = d.region
  from ledger.declaration d
  where f.region = '' and d.envelope = f.envelope and d.position = f.position
), counted as (
  select employer, period, region, envelope, position
  from ledger.declaration
  where parts = 1
  union all
  select w.employer, w.period, d.region, d.envelope, d.position
  from ledger.whole w
  join ledger.declaration d on d.envelope = w.head_envelope and d.position = w.head_position
  where w.posted = w.parts
)
insert into ledger.in_force (employer, period, region, envelope, position)
select distinct on (c.employer, c.period, c.region)
  c.employer, c.period, c.region, c.envelope, c.position
from counted c
join held h on h.employer = c.employer and h.period = c.period and h.region <> c.region
order by c.employer, c.period, c.region, c.envelope desc, c.position desc
on conflict (employer, period, region) do nothing;
