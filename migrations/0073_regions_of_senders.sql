-- A filer of some regions files for no others, in files too.
alter table batch.batch
  -- Patterns of the regions that every token named with which the file came; null: any.
  add column may_file_in text[];
