-- From when on the body that was last processed asks to be left out of the index, by a meta element
-- (`unavailable_after`); null: never. What the header asks is in robots_tag.
alter table page_state add column unavailable_after timestamptz;
