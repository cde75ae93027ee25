-- The generations of the search index in its engine: what each is for. Decision 0028.

create table index_generations (
    number       integer primary key,
    -- active: searches read it. previous: a rollback restores it, so it follows the feed as well.
    -- retired: whoever writes the index drops it.
    state        text not null check (state in ('building', 'active', 'previous', 'retired')),
    analyser     integer not null,
    copied_to    bytea not null default '',       -- of one being built: texts before this are in
    copied       boolean not null default false,  -- all are: from now on it follows the feed
    unreadable   bigint not null default 0,       -- texts that the analyser failed on
    workflow_id  text,         -- the run that builds or built it; null: a worker did by itself
    run_id       text,
    started_at   timestamptz not null,
    active_since timestamptz,
    switched_by  text,         -- the run that last made it active
    keep_until   timestamptz   -- of the previous: when clean-up may drop it
);
create unique index index_generations_one on index_generations (state) where state <> 'retired';

-- Numbers are never used twice: a search that began before a drop may still name the old one.
alter table search_index add column last_generation integer not null default 0;
update search_index set last_generation = coalesce((select max(id) from generations), 0)
where exists (select from versions);
