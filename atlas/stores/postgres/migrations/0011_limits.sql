-- Limits set by hand at run time: how fast a host, or the runs of a source, may be asked.

-- Of a host: on top of whatever its sources say. Of a source: in the place of its own rules.
create table limits (
    id         bigint generated always as identity primary key,
    host       text unique,
    source     text unique references sources (name) on delete cascade on update cascade,
    delay      double precision check (delay >= 0),  -- seconds between two requests
    parallel   integer check (parallel between 1 and 64),
    reason     text not null default '',
    set_at     timestamptz not null,
    expires_at timestamptz,
    check (num_nonnulls(host, source) = 1),
    check (num_nonnulls(delay, parallel) > 0)
);

-- Whose pace `next_at` keeps: a source that may go faster now need not wait for its own old pace.
alter table hosts add column paced_by text;
