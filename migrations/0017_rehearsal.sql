-- A rehearsal is filed in a database of its own, which is emptied after it: nothing that says it was
-- rehearsed can be written here, whatever a process was told. npm run rehearsal -- create turns the rule
-- around in the rehearsal's database. Not valid: what is there already is left as it is.
alter table journal.envelope
  add constraint envelope_is_live check (environment not like 'rehearsal%') not valid;
