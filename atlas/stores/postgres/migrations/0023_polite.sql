-- What was seen of a host that struggles, and the delay that it leads to: `domain/adaptive_delay`
-- computes it at each change, so that a reservation reads one number.
alter table hosts
    add column slow           double precision not null default 0,  -- seconds, smoothed
    add column backoff        double precision not null default 0,  -- seconds
    add column adaptive_delay double precision not null default 0,  -- seconds
    add column strained_at    timestamptz,  -- the last change of these
    add column refused_at     timestamptz;  -- the last 429 or 503 that counted
