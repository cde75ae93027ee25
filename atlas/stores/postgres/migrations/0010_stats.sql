-- Figures of complete UTC days, frozen once and kept for ever: reports are made from these alone.

-- A day that has a row here is frozen. Sizes are those at `frozen_at`: they cannot be counted later.
create table frozen_days (
    day            date primary key,
    frozen_at      timestamptz not null,
    blobs          bigint not null,
    blob_bytes     bigint not null,  -- of the bodies
    stored_bytes   bigint not null,  -- compressed, of those that a clean-up has seen
    database_bytes bigint not null
);

-- One row per source, and one for the whole corpus, whose source is ''.
create table daily_stats (
    day        date not null references frozen_days,
    source     text not null,
    added      bigint not null,
    changed    bigint not null,
    gone       bigint not null,
    requests   bigint not null,
    statuses   jsonb not null,
    errors     jsonb not null,
    failed     jsonb not null,
    runs       jsonb not null,
    bytes      bigint not null,
    wire_bytes bigint not null,
    live       bigint not null,
    texts      bigint not null,
    near_texts bigint not null,
    fresh      bigint not null,
    age_median double precision,
    age_p90    double precision,
    paused     boolean not null,
    primary key (day, source)
);

-- The hosts on which most time was spent.
create table daily_host_stats (
    day      date not null references frozen_days,
    host     text not null,
    requests bigint not null,
    failed   bigint not null,
    median   double precision not null,
    p95      double precision not null,
    slots    bigint[] not null,  -- a histogram, so that days can be added up
    primary key (day, host)
);

-- To find what happened on a day.
create index versions_opened on versions (valid_from);
create index versions_closed on versions (valid_to) where valid_to is not null;
create index fetches_moment on fetches using brin (fetched_at);
create index runs_ended on runs (ended_at) where ended_at is not null;
