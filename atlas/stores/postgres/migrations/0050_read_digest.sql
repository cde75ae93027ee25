-- Digest of all that a page's settled text was read from: a body that has the same says the same,
-- and is not extracted. Null: not known, or not to be relied on.
alter table page_state add column read_digest bytea;
-- The settled snapshot that it is of: whoever settles another without a digest makes it void.
alter table page_state add column read_snapshot bytea;
alter table prepared add column read_digest bytea;
