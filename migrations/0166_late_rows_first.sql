-- An older program's worker that took a file over while units kept late findings ended its filing without their rows.

-- It knows no late findings, so it moved the file on, and the errors file lacked these rows for ever. Its
-- write fails now, and it gives the file back, until a worker that writes the rows takes it. The look goes
-- through the units of one file, once, when the file's filing ends.
create function batch.refuse_late_units() returns trigger language plpgsql as $$
begin
  if exists (select from batch.unit where batch = new.id and late is not null) then
    raise exception 'batch % has units whose late rows are not written', new.id
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  return new;
end
$$;

create trigger late_rows_first
before update of stage on batch.batch
for each row
when (old.stage = 'filing' and new.stage in ('posting', 'refused'))
execute function batch.refuse_late_units();
