-- Workers that took a batch, one after another, and ended without writing anything of it.
alter table batch.work add column tries integer not null default 0;
