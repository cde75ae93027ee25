-- Sources, pages, runs, documents, blobs, hosts. Hot and narrow (page_state) apart from wide and cold (documents).

create table corpus (
    singleton boolean primary key default true check (singleton),
    corpus_id uuid not null default gen_random_uuid()
);
insert into corpus default values;

-- Declared rules, and the lease: which run works on the source now.
create table sources (
    id           bigint generated always as identity primary key,
    name         text not null unique check (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
    kind         text not null check (kind in ('urls', 'feed', 'sitemap', 'site')),
    urls         text[] not null,
    prefix       text,
    include      text[] not null default '{}',
    exclude      text[] not null default '{}',
    delay        double precision not null default 1.0 check (delay >= 0),
    parallel     integer not null default 1 check (parallel between 1 and 64),
    max_pages    integer check (max_pages > 0),
    max_depth    integer check (max_depth >= 0),
    cadence      interval not null default interval '1 day',
    deletion     text not null default 'careful' check (deletion in ('careful', 'prompt', 'keep')),
    paused       boolean not null default false,
    created_at   timestamptz not null,
    lease_workflow text,
    lease_run    text,
    lease_since  timestamptz
);

create table pages (
    id         bigint generated always as identity primary key,
    url        text not null unique,
    created_at timestamptz not null
);

-- One row per page, updated at every fetch. What was last fetched is kept apart from what was last settled:
-- a 304 after a crash between fetch and process must not lose a document.
create table page_state (
    page_id          bigint primary key references pages on delete cascade,
    lifecycle        text not null default 'discovered'
        check (lifecycle in ('discovered', 'live', 'suspect', 'tombstoned', 'purged', 'quarantined')),
    -- the claim: which batch of which run holds the page
    claim_run        text,
    claim_lane       integer,
    claim_number     integer,
    fence            bigint not null default 0,
    -- last fetched
    fetched_snapshot bytea,
    fetched_type     text,
    fetched_charset  text,
    fetched_at       timestamptz,
    fetched_run      text,
    etag             text,
    last_modified    text,
    -- last settled
    settled_snapshot bytea,
    settled_extractor integer,
    settled_analyser integer,
    settled_at       timestamptz,
    gone_count       integer not null default 0,  -- consecutive runs that were told 404 or 410
    gone_status      integer,
    redirect_to      bigint references pages
) with (fillfactor = 70);
create index page_state_claim on page_state (claim_run, claim_lane, claim_number) where claim_run is not null;

-- Which source holds which page.
create table source_pages (
    source_id   bigint not null references sources on delete cascade,
    page_id     bigint not null references pages on delete cascade,
    depth       integer not null,
    rule        text not null check (rule in ('listed', 'link', 'redirect')),
    listed_run  text not null,
    listed_at   timestamptz not null,
    absences    integer not null default 0,  -- complete listings in a row that lacked the page
    absent_run  text,
    primary key (source_id, page_id)
);
create index source_pages_page on source_pages (page_id);
create index source_pages_level on source_pages (source_id, listed_run, depth);

create table links (
    page_id bigint not null references pages on delete cascade,
    ordinal integer not null,
    target  text not null,
    rel     text not null default '',
    primary key (page_id, target)
);

create table runs (
    run_id       text primary key,
    workflow_id  text not null,
    source_id    bigint references sources on delete set null,
    source_name  text not null,
    trigger      text not null,
    due          boolean not null,
    started_at   timestamptz not null,
    ended_at     timestamptz,
    outcome      text,
    complete     boolean,
    paused_since timestamptz,
    message      text
);
create index runs_started on runs (started_at desc);
create index runs_source on runs (source_id, started_at desc);

-- The record of a run, and its queue of work: stage goes listed -> fetched -> processed -> done.
create table run_pages (
    run_id      text not null references runs on delete cascade,
    page_id     bigint not null references pages on delete cascade,
    level       integer not null,
    url         text not null,
    stage       text not null default 'listed' check (stage in ('listed', 'fetched', 'processed', 'done')),
    outcome     text check (outcome in ('added', 'updated', 'unchanged', 'failed', 'skipped')),
    error_class text,
    error_code  text,
    error       text,
    attempts    integer not null default 0,
    marks       integer not null default 0,
    not_before  timestamptz,
    primary key (run_id, page_id),
    check ((stage = 'done') = (outcome is not null))
) with (fillfactor = 70);
create index run_pages_queue on run_pages (run_id, level, url) where stage <> 'done';
create index run_pages_failed on run_pages (run_id) where outcome = 'failed';
create index run_pages_page on run_pages (page_id);

-- The ledger: one row per HTTP attempt, partitioned by month of the run's start.
create table fetches (
    run_started   timestamptz not null,
    run_id        text not null,
    page_id       bigint,
    attempt       integer not null,
    url           text not null,
    final_url     text,
    status        integer,
    error_class   text,
    error_code    text,
    snapshot      bytea,
    content_type  text,
    bytes         bigint,
    wire_bytes    bigint,
    etag          text,
    last_modified text,
    elapsed       double precision,
    fetched_at    timestamptz not null,
    unique (run_started, run_id, page_id, attempt)
) partition by range (run_started);
create table fetches_default partition of fetches default;
create index fetches_page on fetches (page_id, fetched_at desc);
create index fetches_snapshot on fetches (snapshot);

-- One row per (page, text, extractor version).
create table documents (
    id         bigint generated always as identity primary key,
    page_id    bigint not null references pages on delete cascade,
    text_hash  bytea not null,
    extractor  integer not null,
    snapshot   bytea not null,
    media      text not null,
    title      text not null,
    lang       text,
    published  timestamptz,
    canonical  text,
    text       text not null,
    markdown   text not null,
    created_at timestamptz not null,
    unique (page_id, text_hash, extractor)
);
create index documents_text_hash on documents (text_hash);

create table versions (
    page_id     bigint not null references pages on delete cascade,
    seq         integer not null,
    document_id bigint not null references documents,
    valid_from  timestamptz not null,
    valid_to    timestamptz,
    primary key (page_id, seq)
);
create unique index versions_open on versions (page_id) where valid_to is null;
create index versions_document on versions (document_id);

-- What processing prepared and settling will commit: one row per page with work under way.
create table prepared (
    page_id     bigint primary key references pages on delete cascade,
    document_id bigint not null references documents on delete cascade,
    snapshot    bytea not null,
    analyser    integer not null,
    sketch_version integer not null,
    bands       bigint[] not null,
    signature   bytea not null,
    parts       jsonb not null,
    links       text[] not null,
    rels        text[] not null
);

create table blobs (
    hash         bytea primary key,
    size         bigint not null,
    put_at       timestamptz not null,
    condemned_at timestamptz
);

create table hosts (
    host      text primary key,
    last_at   timestamptz not null default '-infinity',
    next_at   timestamptz not null default '-infinity',
    leases    timestamptz[] not null default '{}'
);

create table robots (
    origin     text primary key,
    status     integer not null,
    body       bytea not null,
    fetched_at timestamptz not null
);
