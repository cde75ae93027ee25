-- Pages that ask to be left out of the index: what X-Robots-Tag asked at the last fetch, and in how
-- many looks in a row, the last of them counted when and by which run, the page said noindex.
alter table page_state
    add column robots_tag text not null default '',
    add column noindex_count integer not null default 0,
    add column noindex_at timestamptz,
    add column noindex_run text;
