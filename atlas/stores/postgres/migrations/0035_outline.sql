-- Where the sections of a text begin, and their anchors: [[start, level, title, anchor], …] with
-- start in characters of `text`. null: made by an extractor that kept none.
alter table documents add column outline jsonb;
