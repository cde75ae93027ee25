-- The search index in generations, and the near-duplicate clusters.

-- One build of the index; exactly one is active.
create table generations (
    id       integer primary key,
    state    text not null check (state in ('building', 'active', 'retired')),
    analyser integer not null,
    -- What BM25 needs to know of the whole, kept exact by every write.
    entries  bigint not null default 0 check (entries >= 0),
    tokens   bigint not null default 0 check (tokens >= 0)
);
create unique index generations_active on generations (state) where state = 'active';
create unique index generations_building on generations (state) where state = 'building';

-- One row per part of each distinct live text. `first` and `last` are character offsets in the text.
create table index_entries (
    generation integer not null references generations,
    text_hash  bytea not null,
    part       integer not null,
    length     integer not null,
    first      integer not null,
    last       integer not null,
    tsv        tsvector not null,
    primary key (generation, text_hash, part)
) partition by list (generation);
-- A search reads the pending list once per term: 1 MB of it, not the default 4.
create index index_entries_tsv on index_entries
    using gin (tsv) with (fastupdate = on, gin_pending_list_limit = 1024);

-- Partitions come by CREATE and ATTACH: PARTITION OF would block searches.
insert into generations (id, state, analyser) values (1, 'active', 1);
create table index_entries_1 (like index_entries including defaults);
alter table index_entries_1 add constraint index_entries_1_generation check (generation = 1);
alter table index_entries attach partition index_entries_1 for values in (1);

-- One sketch per distinct live text. `representative` is the smallest text hash of its cluster.
create table sketches (
    text_hash      bytea primary key,
    version        integer not null,
    bands          bigint[] not null,
    signature      bytea not null,
    representative bytea not null
);
create index sketches_representative on sketches (representative);

-- Buckets: texts that share one are candidates. Looked up by hash, in text order.
create table bands (
    hash      bigint not null,
    text_hash bytea not null,
    primary key (hash, text_hash)
);

-- Buckets with more texts than are compared with each other, and how many they hold.
create table crowded_bands (
    hash    bigint primary key,
    members bigint not null
);

-- The evidence: pairs of texts found similar. Clusters are their connected components.
create table similar_texts (
    low        bytea not null,
    high       bytea not null,
    similarity real not null,
    primary key (low, high),
    check (low < high)
);
create index similar_texts_high on similar_texts (high);
