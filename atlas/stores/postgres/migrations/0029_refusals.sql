-- What a source's rules refused of the addresses that its listing names or its pages link to.

-- Of each run and level, by rule: how many addresses, and one of them.
create table run_refusals (
    run_id    text not null references runs on delete cascade,
    level     integer not null,
    rule      text not null,
    addresses bigint not null,
    example   text not null,
    primary key (run_id, level, rule)
);

-- The last thousand of these addresses of each source, and the run that met them last. They go with
-- its record.
create table refused_addresses (
    source_id  bigint not null references sources on delete cascade,
    url        text collate "C" not null,
    rule       text not null,
    run_id     text not null references runs on delete cascade,
    refused_at timestamptz not null,
    primary key (source_id, url)
);
create index refused_addresses_url on refused_addresses (url);
create index refused_addresses_run on refused_addresses (run_id);

-- When a host last answered at all, with whatever status: one that never did is forgotten soon. Of
-- those known before that is not known, unless nothing but failures is recorded of them.
alter table hosts add column answered_at timestamptz;
update hosts set answered_at = last_at where last_at > '-infinity' and failures = 0;

-- The trace of a run, which Temporal forgets with its history.
alter table runs add column trace_id text;
