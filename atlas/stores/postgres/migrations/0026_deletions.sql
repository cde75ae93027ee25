-- Evidence that a page left: since when it is seen without a break, and looks a day apart. What the
-- brake held waits for a person.

alter table page_state
    add column moved_since   timestamptz,  -- the first look of those that moved_count counts
    add column noindex_since timestamptz;  -- the same for noindex_count
update page_state set moved_since = moved_at where moved_count > 0;
update page_state set noindex_since = noindex_at where noindex_count > 0;

alter table source_pages
    add column absent_at    timestamptz,   -- the last complete listing without the page that counted
    add column absent_since timestamptz;   -- the first of them in a row
update source_pages set absent_since = now() where absences > 0;

-- A removal that a run held. It waits as long as the evidence that began at `since` lasts.
create table held_removals (
    id         bigint generated always as identity primary key,
    source_id  bigint not null references sources on delete cascade,
    page_id    bigint not null references pages on delete cascade,
    sign       text not null check (sign in ('not_found', 'gone', 'noindex', 'moved', 'absent')),
    looks      integer not null,      -- that counted
    since      timestamptz not null,  -- when the first of them was made
    run_id     text not null,         -- which run held it first
    last_run   text not null,         -- and which last
    held_at    timestamptz not null,
    decided    text check (decided in ('approved', 'rejected', 'expired', 'removed')),
    decided_at timestamptz,
    decided_by text,                  -- the run that brought a person's word
    unique (source_id, page_id, since)
);
create index held_removals_open on held_removals (source_id, id) where decided is null;
create index held_removals_page on held_removals (page_id);
