-- How much of its listing a source lets Atlas read (atlas/domain/listing_limits.py). The defaults are
-- for the sources declared before; a newer one comes with its own.
alter table sources
    add column listing_bytes     integer not null default 52428800,
    add column listing_entries   integer not null default 50000,
    add column listing_files     integer not null default 1000,
    add column listing_addresses integer not null default 1000000,
    add column listing_depth     integer not null default 500,
    add column listing_prolog    integer not null default 65536;
