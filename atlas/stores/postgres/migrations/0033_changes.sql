-- What happened to the corpus, in the order in which it was committed, without gaps.

create table changes (
    number      bigint primary key,
    at          timestamptz not null,
    kind        text not null check (kind in ('added', 'updated', 'removed', 'restored', 'erased')),
    page_id     bigint,       -- no foreign key: a page's row may go, and what is told of it stays
    url         text,         -- null: erased
    version     integer,      -- `versions.seq`; of a removed page, its last
    document_id bigint,       -- where its text is, as long as that is kept
    text_hash   bytea,
    sources     text[] not null default '{}',  -- names of those that held the page
    reason      text not null,
    evidence    jsonb,
    run_id      text,
    workflow_id text,
    check ((kind = 'erased') = (url is null)),
    check (kind = 'erased' or page_id is not null and version is not null
           and document_id is not null)
);
create index changes_page on changes (page_id, number);

-- One row, whose lock gives numbers in the order of commits: decision 0024.
create table change_feed (
    singleton boolean primary key default true check (singleton),
    last      bigint not null check (last >= 0),         -- the last number given
    trimmed   bigint not null check (trimmed between 0 and last)  -- up to here none is kept
);
-- A corpus that was there before its feed begins with number 1 past its retention: there is more
-- to it than the feed tells, and new readers begin with what is live.
insert into change_feed (last, trimmed)
select n, n from (select exists (select from versions)::int as n) o;

-- Content that processing changed in place, under the same text and extractor: how often, and how
-- often the feed has told of it.
alter table documents
    add column revision integer not null default 0,
    add column revision_told integer not null default 0;
