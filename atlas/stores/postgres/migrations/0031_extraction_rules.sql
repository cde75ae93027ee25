-- What of a page is its text, as its source declares it.

-- Rules by the SHA-256 of their JSON, so that a document goes on naming those that made it after its
-- source has others.
create table extraction_rules (
    digest bytea primary key,
    rules  jsonb not null
);

alter table sources
    add column content text[] not null default '{}',
    add column remove text[] not null default '{}',
    add column ignore text[] not null default '{}',
    add column metadata text[] not null default '{}',
    add column extraction_rules bytea references extraction_rules;

-- Of a document: its rules (null: none), what each of them matched, those that were not followed
-- because nothing would have been left, and the hash of title and text without what is ignored
-- (null: all counts).
alter table documents
    add column author text,
    add column rules bytea references extraction_rules,
    add column rule_matches integer[],
    add column fell_back text,
    add column compared bytea;

-- By which rules the page was settled; null: none.
alter table page_state add column settled_rules bytea;

-- Explanations and runs look for the few documents whose rules were not followed.
create index documents_fell_back on documents (id) where fell_back is not null;
