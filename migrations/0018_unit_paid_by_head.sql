-- A declaration's head pays the unit's amounts for all parts; of what was checked before, each part does.
alter table batch.unit add column head_pays boolean not null default false;
