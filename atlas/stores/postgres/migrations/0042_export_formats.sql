-- Chunks and WARC: a part counts what it holds beside documents, and an export of bodies freezes
-- what is known of the answers that brought them, which a later fetch or clean-up would change.

alter table export_parts add column records bigint not null default 0;  -- lines, rows, WARC records

alter table export_pages
    add column response_status   integer,
    add column response_type     text,
    add column response_charset  text,
    add column response_etag     text,
    add column response_modified text,
    add column response_at       timestamptz;
