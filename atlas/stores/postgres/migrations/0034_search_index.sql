-- Who writes to the search index, and how far it has read the feed of changes.

create table search_index (
    singleton   boolean primary key default true check (singleton),
    holder      text,         -- the process that writes; null: nobody does
    held_until  timestamptz,  -- by the database's clock: a holder that is dead is waited for so long
    generation  integer,      -- that searches read, once the holder has said it
    read_up_to  bigint        -- the change that it has read last
);
insert into search_index default values;
