-- For how many days the search index keeps past texts, as whoever writes it was told; and what each
-- generation was built with.

alter table search_index add column past_days integer not null default 0;
alter table index_generations
    add column past_days integer not null default 0,
    add column layout    integer not null default 1;
