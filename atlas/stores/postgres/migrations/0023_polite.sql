-- What was seen of a host that struggles, and the delay that it leads to: `domain/adaptive_delay`
-- computes it at each change, so that a reservation reads one number.
alter table hosts
    add column slow           double precision not null default 0,  -- seconds, smoothed
    add column backoff        double precision not null default 0,  -- seconds
    add column adaptive_delay double precision not null default 0,  -- seconds
    add column strained_at    timestamptz,  -- the last change of these
    add column refused_at     timestamptz;  -- the last 429 or 503 that counted

-- Whether a crawl stops at what looks like a trap.
alter table sources
    add column traps text not null default 'stop' check (traps in ('stop', 'follow'));

-- Links that a crawl did not follow: how many of a level, of what, and one of them.
create table run_traps (
    run_id    text not null references runs on delete cascade,
    level     integer not null,
    reason    text not null,
    family    text not null,  -- '' sums up those beyond the first hundred
    addresses integer not null,
    example   text not null,
    primary key (run_id, level, reason, family)
);
