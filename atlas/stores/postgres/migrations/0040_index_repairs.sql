-- Texts that the writer of the search index is asked to look at again: by an audit that found that
-- the index does not have them as the corpus does.

create table index_repairs (
    text_hash bytea primary key
);
