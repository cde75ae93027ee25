-- Clusters are stars now: a text that resembles no smaller one leads, the others stand by the leader
-- that they resemble most. What a sketch of version 1 was compared by is worth nothing: those texts
-- stand alone until they are sketched again, when they are processed or by deduplicate_documents.
drop table similar_texts;
drop table crowded_bands;
truncate bands;
alter table bands add column leads boolean not null default false;
create index bands_leading on bands (hash, text_hash) where leads;

alter table sketches
    add column similarity real,                      -- to its leader; null: it leads
    add column name bigint not null default 0,       -- of title and first heading; 0: none
    add column body uuid,                            -- digest of the text without its title
    add column size integer not null default 0,      -- bytes of the text
    add column hosts bigint[] not null default '{}'; -- of the live pages that have it, hashed
-- The leader first, then those most like it.
drop index sketches_representative;
create index sketches_representative on sketches (representative, similarity desc);
update sketches set representative = text_hash where representative <> text_hash;
