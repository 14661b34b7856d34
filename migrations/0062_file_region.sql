-- A table has rows of an employer for the agencies of two regions: they are a declaration each.

-- Empty where the rows don't say it, and of what was read before.
alter table batch.piece add column region text collate "C" not null default '';
alter table batch.unit add column region text collate "C" not null default '';
alter table batch.set_aside add column region text collate "C" not null default '';

-- False of a file that was begun before: its further rows are read as its first ones were, or rows of an
-- employer and period would be two declarations of one region, and the second would replace the first.
alter table batch.work add column by_region boolean not null default false;
alter table batch.work alter column by_region set default true;
