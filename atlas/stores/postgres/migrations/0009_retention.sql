-- Retention: what the daily clean-up needs to know, to find and to record.

-- When the page's documents were taken away for good; null when its source was removed with all it held.
alter table page_state add column purged_at timestamptz;
create index page_state_purged on page_state (page_id) where lifecycle = 'purged';

-- Which blobs are referred to is asked blob by blob, under the blob's lock.
create index page_state_fetched_snapshot on page_state (fetched_snapshot) where fetched_snapshot is not null;
create index page_state_settled_snapshot on page_state (settled_snapshot) where settled_snapshot is not null;
create index documents_snapshot on documents (snapshot);
create index prepared_snapshot on prepared (snapshot);
create index quarantine_snapshot on quarantine (snapshot);
create index page_state_redirect_to on page_state (redirect_to) where redirect_to is not null;

-- Compressed, as last seen in the store; null: not seen yet. `size` is that of the body.
alter table blobs add column stored_bytes bigint;
create index blobs_condemned on blobs (hash) where condemned_at is not null;

-- What a clean-up took away (or would, in a dry run), and which blobs it found missing. Counts and manifest are made
-- from these rows alone, written in the transaction that removes: no retried activity can change them.
create table cleanup_items (
    run_id   text not null,
    class    text not null,
    key      text not null,    -- its place in the order in which the class is worked through
    identity text not null,    -- what people know it by
    bytes    bigint not null,  -- that the disk or the store gets back
    primary key (run_id, class, key)
);
