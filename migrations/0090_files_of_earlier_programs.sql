-- An earlier program beside this one fails whole where it would leave out what this one needs of a file.

-- It would list a unit without the region of its rows, which then nobody finds.
alter table batch.piece alter column region drop default;
alter table batch.unit alter column region drop default;
alter table batch.set_aside alter column region drop default;

-- It begins a file by employer and period; this one goes on as the file was begun.
alter table batch.work alter column by_region set default false;

-- It would sign a receipt for a file of mode check, or take it for a duplicate of one that is filed.
alter table batch.batch
  drop constraint batch_mode_check,
  add constraint batch_mode_check check (
    mode in ('all-or-nothing', 'accept-good', 'check')
    and (
      mode <> 'check'
      or (receipt is null and stage not in ('filing', 'posting', 'posted', 'duplicate'))
    )
  ) not valid;
