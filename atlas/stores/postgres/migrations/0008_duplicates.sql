-- Pages that the last applied run of deduplicate_documents found to say what another page says.

-- A mark goes when its page, or the page that is kept, changes its text or leaves the live corpus.
-- No winner is marked itself: whoever marks a page for it takes its own mark off, and whoever marks
-- a winner takes off the marks that name it.
create table duplicates (
    page_id        bigint primary key references pages on delete cascade,
    winner_page_id bigint not null references pages on delete cascade,
    kind           text not null check (kind in ('exact', 'near')),
    similarity     real not null,  -- of the two texts, 0 to 1
    rule           text not null,  -- which chose the winner
    run_id         text not null,  -- that made or last changed the mark
    decided_at     timestamptz not null,
    checked_at     timestamptz not null,  -- when a run last found the same
    check (page_id <> winner_page_id)
);
create index duplicates_winner on duplicates (winner_page_id);

-- What a run under way has found, until its report is written: a row per group, and one per mark
-- that it took off.
create table duplicate_findings (
    run_id  text not null references runs on delete cascade,
    kind    text not null check (kind in ('exact', 'near', 'unmarked')),
    page_id bigint not null,            -- the winner, or the page that lost its mark
    cluster bytea not null,             -- representative of the cluster that it was found in
    url     text not null,
    pages   integer not null default 1,
    texts   integer not null default 1,
    members jsonb not null default '[]',
    primary key (run_id, kind, page_id)
);
