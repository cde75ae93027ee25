-- Documents that Atlas does not fetch: they are pushed to it, or read from a bucket.

alter table sources drop constraint sources_kind_check;
alter table sources add constraint sources_kind_check
    check (kind in ('urls', 'feed', 'sitemap', 'site', 'push', 'bucket'));

-- The title that came with a body, instead of the one that the body states: reading it again needs
-- that as it needs the type.
alter table page_state
    add column given_title  text,
    add column withdrawn_at timestamptz;  -- whoever pushed the page said that it is gone
alter table fetches
    add column given_title text;

alter table held_removals drop constraint held_removals_sign_check;
alter table held_removals add constraint held_removals_sign_check
    check (sign in ('not_found', 'gone', 'noindex', 'moved', 'absent', 'withdrawn'));

-- The order of pushes: of two for one address, the later one is what the page says, whichever is
-- worked on first.
create sequence push_order;

-- What a run was given for each of its pages: a body, or the word that the page is gone.
create table run_deliveries (
    run_id        text not null references runs on delete cascade,
    page_id       bigint not null references pages on delete cascade,
    place         bigint not null default nextval('push_order'),
    snapshot      bytea,                -- null: the page is gone
    content_type  text,
    charset       text,
    title         text,
    last_modified text,
    delivered_at  timestamptz not null,
    applied_at    timestamptz,          -- null: it has not become the page's body yet
    primary key (run_id, page_id)
);
create index run_deliveries_page on run_deliveries (page_id, place);
create index run_deliveries_waiting on run_deliveries (snapshot) where applied_at is null;
