-- Collection: which sources a run of several works through, in which order.

-- Decided once, when the run begins: how overdue the sources are changes while it goes on.
create table run_sources (
    run_id      text not null references runs on delete cascade,
    place       integer not null,
    source_name text not null,
    host        text not null,   -- of its first URL
    primary key (run_id, place)
);

create index sources_tags on sources using gin (tags);
