-- What a page says of itself with the tags that say so, and the language that a source declares.

-- [[field, value, tag], ...]; null: extracted before this was kept.
alter table documents add column stated jsonb;

alter table sources add column lang text;
