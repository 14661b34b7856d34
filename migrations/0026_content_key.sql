-- The key without the region would take two files of two regions for one.

alter table batch.content drop constraint content_pkey;
