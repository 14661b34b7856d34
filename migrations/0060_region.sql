-- Contributions are declared to the agency of each region: an employer with branches in two files a declaration
-- for each. What stands and what is in force are looked for by region, too.

alter table journal.acceptance
  -- Null: accepted before this was written, or by an earlier program that still runs; see journal.region_of.
  add column region text collate "C";

-- Empty: written before; 0064 writes the declaration's.
alter table ledger.in_force add column region text collate "C" not null default '';
alter table ledger.last_cancellation add column region text collate "C" not null default '';

-- The region of an acceptance that does not say it: what it was posted for. The journal is never
-- rewritten, so it is looked up whenever it is asked for. Null where it is not posted yet: then it may be any.
create function journal.region_of(of_envelope bigint, of_position integer)
returns text
language sql
stable
strict
begin atomic
  select d.region
  from ledger.declaration d
  where d.envelope = of_envelope and d.position = of_position
  union all
  select r.region
  from ledger.reassessment r
  where r.envelope = of_envelope and r.position = of_position;
end;
