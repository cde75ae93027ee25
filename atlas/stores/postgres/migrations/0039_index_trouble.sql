-- What keeps the writer of the search index from going on: for whoever looks after it.

alter table search_index
    add column trouble       text,         -- null: nothing
    add column trouble_since timestamptz;
