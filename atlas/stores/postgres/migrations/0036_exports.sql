-- What a run of `export_corpus` writes, decided at one moment, and which parts of it are finished.
-- All of it goes when the run has ended.

create table exports (
    run_id    text primary key references runs on delete cascade,
    as_of     timestamptz not null,
    documents bigint not null          -- that were chosen
);

-- The chosen pages with what another moment would tell differently. Titles and texts are read from
-- the document when its part is written: those of one document never change. No reference to the
-- page: an erasure deletes these rows itself, and takes care of each column (`erasure/erase.py`).
create table export_pages (
    run_id         text not null references exports on delete cascade,
    page_id        bigint not null,
    document_id    bigint not null,
    version        integer not null,
    changed_at     timestamptz not null,
    sources        text[] not null,
    last_seen      timestamptz,
    fetched_at     timestamptz,
    content_type   text,
    snapshot       bytea not null,
    cluster        bytea,
    winner_page_id bigint,
    primary key (run_id, page_id)
);

create table export_parts (
    run_id     text not null references exports on delete cascade,
    number     integer not null,
    name       text not null,
    after_page bigint not null,        -- the part has the pages after this one
    last_page  bigint not null,        -- up to this one
    pages      integer not null,       -- that were chosen when it was written
    documents  integer not null,       -- and that it has
    bytes      bigint not null,
    sha256     text not null,
    primary key (run_id, number)
);
