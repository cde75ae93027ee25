-- What a run has read of its source's listing, until all of it is read and may be listed: sorted,
-- each address once, so that a budget cuts in the order of addresses and no worker has to hold a
-- listing in its memory. A reading is one attempt's.
create table listing_entries (
    run_id   text not null references runs on delete cascade,
    reading  uuid not null,
    url      text collate "C" not null,
    modified timestamptz,
    primary key (run_id, reading, url)
);
