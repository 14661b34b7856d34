-- The key without the issuer would take the files of two senders for one.

drop index batch.content_by_region;
