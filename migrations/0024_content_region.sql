-- The same file for another region is another file. And what came first is forgotten once it stands no more.

alter table batch.content
  -- Empty: written before; the batch that brought it first has it.
  add column region text collate "C" not null default '';
