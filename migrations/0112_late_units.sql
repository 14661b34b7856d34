-- A unit that met something when it was filed has its rows set aside in steps: until the last one, it keeps why.

-- The finding, which names no person; null once all of its rows are set aside, and of all others.
alter table batch.unit add column late jsonb;
