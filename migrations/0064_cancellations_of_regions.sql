-- What was cancelled before is so in the region that its cancellation names; where an employer cancelled in
-- several, in each. Workers of an earlier program can't write here any more, those of this one start after it.
--! no-transaction
with held as (
  select c.employer, c.period, d.region
  from ledger.last_cancellation c
  join ledger.declaration d on d.envelope = c.envelope and d.position = c.position
), filled as (
  update ledger.last_cancellation c
  set region = d.region
  from ledger.declaration d
  where c.region = '' and d.envelope = c.envelope and d.position = c.position
)
insert into ledger.last_cancellation (employer, period, region, envelope, position)
select distinct on (d.employer, d.period, d.region)
  d.employer, d.period, d.region, d.envelope, d.position
from ledger.declaration d
join held h on h.employer = d.employer and h.period = d.period and h.region <> d.region
where d.kind = 'cancellation'
order by d.employer, d.period, d.region, d.envelope desc, d.position desc
on conflict (employer, period, region) do nothing;
