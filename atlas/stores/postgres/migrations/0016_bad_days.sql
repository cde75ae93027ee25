-- A bad day of a site: redirects are evidence that must be confirmed, and new texts are looked at
-- together before they take the place of what is live.

alter table page_state
    -- vanishing: looks in a row that found a permanent redirect to the same page
    add column moved_count   integer not null default 0,
    add column moved_at      timestamptz,   -- last of them that was counted
    add column moved_run     text,          -- and the run that made it
    add column held_snapshot bytea;         -- a body that a run held back: no run takes it unasked

-- Whether the body came to its end (</html>, %%EOF); null where that cannot be told.
alter table documents add column ended boolean;

-- Whether the text is a part of the live one, from a body that ends too early.
alter table prepared add column cut boolean not null default false;
