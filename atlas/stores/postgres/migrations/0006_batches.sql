-- Documents that keep failing in extraction, and what a batch was asked for that is no page.

-- One row per page whose current body failed; `since` is set once it is left alone.
create table quarantine (
    page_id     bigint primary key references pages on delete cascade,
    snapshot    bytea not null,      -- the body that failed; another one is tried again
    extractor   integer not null,    -- the version that failed; another one tries again
    error_class text not null,
    code        text not null,
    reason      text not null,
    failures    integer not null,    -- runs in which it failed
    since       timestamptz,
    run_id      text not null        -- the last run in which it failed
);
create index quarantine_since on quarantine (since) where since is not null;

create table run_missing (
    run_id text not null references runs on delete cascade,
    asked  text not null,            -- the URL or page number that was asked for
    primary key (run_id, asked)
);

-- What `fetch_url` got may be processed later: how its body is to be read belongs in the ledger.
alter table fetches add column charset text;
