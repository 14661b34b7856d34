-- A filer who files a second declaration is told what stands, with its number of persons, and no
-- envelope is opened for that. Parts of a declaration do not stand by themselves: their head does.
alter table journal.acceptance
  -- Insured persons; of a head, those of all parts. Null: accepted before this was written.
  add column lines integer,
  -- The head's id; null for a head, and for what travels as one.
  add column part_of text collate "C";
