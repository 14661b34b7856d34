-- A holder is denied by its `sub` whatever the issuer, as an operator may know no more than that; or of one
-- issuer, where another has a namesake who may go on.

-- Empty: of every issuer. An intake that does not know the column takes each row as one of every issuer.
alter table journal.denial
  add column issuer text collate "C" not null default '',
  -- Not valid: rows of before have none, and are not read for it.
  add constraint denial_of_issuer check (length(issuer) <= 255 and (issuer = '' or claim = 'sub')) not valid;
