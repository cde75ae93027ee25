-- A switch is made in the engine first, then in index_generations. Recorded before both: to which
-- generation, by which run, and until when that which served is kept. Whoever completes a switch
-- that a crash cut off in between would not know otherwise.
alter table search_index
    add column switch_to integer,
    add column switch_by text,
    add column switch_keeps_until timestamptz;
