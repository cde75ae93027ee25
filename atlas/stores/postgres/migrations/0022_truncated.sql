-- What the text of a fetched body lacks, in words, beside the request that brought it. null: nothing.
alter table fetches add column truncated text;

-- Live pages whose text lacks a part of the body, of each day; null where it was frozen before.
alter table daily_stats add column truncated bigint;

-- A run, the report and the list of a corpus look for the few documents that lack something.
create index documents_truncated on documents (id) where truncated is not null;
