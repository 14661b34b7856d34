-- The keys without the region would let a table have one declaration of an employer and period.
alter table batch.unit
  drop constraint unit_pkey,
  add constraint unit_pkey primary key using index unit_by_region;
alter table batch.set_aside
  drop constraint set_aside_pkey,
  add constraint set_aside_pkey primary key using index set_aside_by_region;
