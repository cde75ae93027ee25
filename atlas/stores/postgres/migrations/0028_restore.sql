-- Undo: which run brought a version and which ended it, and why; what a version led to; who held a page that left.

alter table versions
    add column opened_by text,  -- the run; null: before this was kept
    add column opened_as text check (opened_as in ('added', 'updated', 'restored')),
    add column closed_by text,
    add column closed_as text check (closed_as in ('updated', 'removed')),
    -- of a closed version, the links that the page had when it ended; those of an open one are in `links`
    add column links     text[],
    add column rels      text[];
create index versions_closed_by on versions (closed_by, page_id) where closed_by is not null;

-- A text that a person undid, and its sketch: no sync takes it, or one like it, again unasked.
alter table page_state
    add column undone_text      bytea,
    add column undone_signature bytea;

-- The hold that a source had on a page when it released it: absent pages leave that way.
create table former_holds (
    source_id   bigint not null references sources on delete cascade,
    page_id     bigint not null references pages on delete cascade,
    depth       integer not null,
    rule        text not null check (rule in ('listed', 'link', 'redirect')),
    released_by text not null,  -- the run
    primary key (source_id, page_id)
);
create index former_holds_page on former_holds (page_id);

-- What a restore chose for each page of its run, once: which version, and which document was live then.
create table run_restores (
    run_id  text not null references runs on delete cascade,
    page_id bigint not null references pages on delete cascade,
    seq     integer not null,
    live    bigint,  -- null: none was
    primary key (run_id, page_id)
);
create index run_restores_page on run_restores (page_id);
