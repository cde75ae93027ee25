-- When a page is checked next, what its last attempts came to, and which hosts are closed.

alter table page_state
    -- recheck: what was observed of the page's changes (fading counts, see domain/timing/recheck_interval.py)
    add column checked_at    timestamptz,   -- last answer that said what the page is: a body, 304, a redirect, 404
    add column next_due      timestamptz,   -- null: fetched before this was kept, or never
    add column checks        double precision not null default 0,
    add column changes       double precision not null default 0,
    add column watched       double precision not null default 0,  -- seconds that those checks span
    add column changed_at    timestamptz,   -- last check that found another document, or other links
    add column max_age       double precision,  -- seconds of freshness that the server last stated
    -- the last attempt, when it failed: fetching, extracting or storing
    add column failures      integer not null default 0,           -- runs in a row that failed at the page
    add column failed_class  text,          -- null: the last attempt did not fail
    add column failed_code   text,
    -- vanishing
    add column gone_at       timestamptz,   -- last observation of 404 or 410 that was counted
    add column gone_run      text,          -- and the run that made it
    add column gone_since    timestamptz,   -- first one of those in a row
    add column tombstoned_at timestamptz;   -- when the page left the live corpus
create index page_state_failed on page_state (page_id) where failed_class is not null;
create index page_state_tombstoned on page_state (tombstoned_at) where lifecycle = 'tombstoned';

-- Pages tombstoned before this was kept: since when is not known; their last fetch is.
update page_state ps set tombstoned_at = coalesce(
    (select max(v.valid_to) from versions v where v.page_id = ps.page_id), ps.fetched_at)
where lifecycle in ('tombstoned', 'purged');

-- Seconds between two readings that the source's feed asks for (<ttl>, sy:updatePeriod).
alter table sources add column listing_ttl double precision;

-- The breaker: a host that is down is tried by one request at a time, after growing pauses.
alter table hosts
    add column failures    integer not null default 0,  -- requests in a row that the host itself failed
    add column down_since  timestamptz,                 -- the first of those
    add column open_until  timestamptz,                 -- no request before: the breaker, or Retry-After
    add column probe_until timestamptz,                 -- one request is trying the host; its lease
    add column throttled   boolean not null default false,  -- whether the last of those asked for patience
    add column last_error  text,
    add column last_error_at timestamptz;
create index hosts_troubled on hosts (host) where failures > 0 or open_until is not null;
