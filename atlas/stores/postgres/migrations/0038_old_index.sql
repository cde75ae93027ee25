-- Settling no longer writes the search index: the engine's reads the feed of changes.

alter table prepared drop column parts;

-- A corpus that has nothing yet has nothing to serve meanwhile. That of others serves until a
-- generation of the engine has read everything; then a clean-up deletes it.
do $$ begin
    if not exists (select from versions) then
        drop table index_entries, generations;
    end if;
end $$;
