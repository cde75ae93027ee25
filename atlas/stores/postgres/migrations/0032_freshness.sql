-- Freshness objectives: when a page was last seen, what a source promises, and what it achieved.

-- The last look that was answered by the page itself: a 200 that was processed, or a 304. A redirect, a held body
-- and a failure are none. Of pages known before, as far as it can be told.
alter table page_state add column seen_at timestamptz;
update page_state set seen_at = case when lifecycle = 'live' and redirect_to is null then checked_at else settled_at end
where settled_at is not null;

-- '95% within 2h'; null: nothing is promised.
alter table sources add column freshness text;

-- What a health check counted of a source with an objective: of so many pages, so many were seen within the time.
create table freshness_samples (
    source_id bigint not null references sources on delete cascade,
    at        timestamptz not null,
    within    interval not null,
    pages     bigint not null check (pages > 0),
    seen      bigint not null check (seen between 0 and pages),
    covers    double precision not null check (covers >= 0),  -- seconds before it for which it stands
    primary key (source_id, at)
);

-- Of a day's samples, the share of pages seen in time, and what was promised when the day was frozen.
alter table daily_stats
    add column objective text,
    add column achieved  double precision;
