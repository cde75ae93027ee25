-- Hosts that kept a batch of a run waiting. Their pages are claimed after all others, in batches of
-- their own, so that nothing else waits for them.
create table run_slow_hosts (
    run_id text not null references runs on delete cascade,
    host   text not null,
    primary key (run_id, host)
);

alter table run_pages
    add column turn integer not null default 0,  -- 0: by URL; above: of a slow host, mixed
    add column cuts integer not null default 0;  -- attempts that were cut short: none of them failed

drop index run_pages_queue;
create index run_pages_queue on run_pages (run_id, level, turn, url) where stage <> 'done';
