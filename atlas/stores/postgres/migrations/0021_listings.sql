-- How much of its listing a source lets Atlas read (atlas/domain/listing_limits.py). The defaults are
-- for the sources declared before; a newer one comes with its own.
alter table sources
    add column listing_bytes     integer not null default 52428800,
    add column listing_entries   integer not null default 50000,
    add column listing_files     integer not null default 1000,
    add column listing_addresses integer not null default 1000000,
    add column listing_depth     integer not null default 500,
    add column listing_prolog    integer not null default 65536;

-- Files of listings that ended whoever parsed them. `failures`: in how many parses the same bytes
-- did; `begun`: of how many parses nothing more was heard, because their worker ended; `since`: when
-- both together were enough to leave the file alone.
create table listing_quarantine (
    source_id  bigint not null references sources on delete cascade,
    url        text not null,
    body       bytea not null,
    parser     integer not null,
    failures   integer not null default 0,
    begun      integer not null default 0,
    code       text not null default '',
    reason     text not null default '',
    since      timestamptz,
    run_id     text not null,
    primary key (source_id, url)
);
