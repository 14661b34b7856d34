-- A page that shows the rows set aside of a file says which of them are mended already: the reading role sees that
-- of a file whose sender asks.
alter table batch.amended enable row level security;
create policy whole on batch.amended to spillway_app using (true) with check (true);
create policy read on batch.amended for select to spillway_reading using (
  exists (select from batch.batch b where b.id = amended.first)
);
grant select on batch.amended to spillway_reading;
