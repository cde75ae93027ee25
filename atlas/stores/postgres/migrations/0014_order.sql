-- `atlas docs list` goes by the bytes of URLs: without an index in that order, all live documents
-- are read and sorted before the first can be shown.
create index pages_url_bytes on pages (url collate "C");

-- A worker whose clock was ahead left versions that end before they begin.
update versions set valid_to = valid_from where valid_to < valid_from;
