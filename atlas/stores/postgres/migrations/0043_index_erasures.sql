-- Texts that were erased, and of which the files of the search index may keep words.

create table index_erasures (
    text_hash bytea primary key
);
