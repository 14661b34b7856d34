-- Ids of a file's declarations were derived from the batch's id as from an Idempotency-Key, so a filing
-- with that key had the id of a unit. And parts were cut by lines alone, so some were too large to seal.

alter table batch.unit
  -- What its ids are derived from; no Idempotency-Key is the same. Null: checked before; the batch's id,
  -- and parts cut by lines alone.
  add column key text collate "C";
