-- The parts of a large declaration, by its head.
--! no-transaction
create index concurrently if not exists declaration_by_whole
  on ledger.declaration (part_of)
  where part_of is not null;
