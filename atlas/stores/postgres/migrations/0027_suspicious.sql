-- Bodies that are not the page (a login, a human check, an error): what they were taken for and why.

-- Of a document: the code of its kind, the evidence in words, and whether that suffices by itself.
-- null: it is the page.
alter table documents
    add column taken_for text,
    add column taken_why text[],
    add column taken_surely boolean not null default false;

-- Of work under way: the body also asks to be left out of the index, so that looks never make it real.
alter table prepared add column noindex boolean not null default false;

-- In the ledger, at the request that brought the body, beside its code.
alter table fetches add column evidence text;

-- What is held of a page, for inspection: no run takes it up unasked, no clean-up takes it away.
create table held_bodies (
    page_id     bigint primary key references pages on delete cascade,
    snapshot    bytea not null,
    document_id bigint not null references documents on delete cascade,
    signature   bytea not null,
    code        text not null,
    reason      text not null,
    looks       integer not null,      -- looks in a row that found this text, or nearly
    first_at    timestamptz not null,
    last_at     timestamptz not null,  -- the last look that was counted
    last_run    text not null
);
create index held_bodies_document on held_bodies (document_id);
create index held_bodies_snapshot on held_bodies (snapshot);
