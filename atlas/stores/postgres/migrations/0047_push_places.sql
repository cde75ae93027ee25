-- Places in the order of pushes that were drawn, and whose runs have not accepted them yet: a later
-- body for the same address waits for them, too.
create table push_places (
    place    bigint not null,
    url      text not null,
    drawn_at timestamptz not null,
    primary key (place, url)
);
create index push_places_url on push_places (url, place);
