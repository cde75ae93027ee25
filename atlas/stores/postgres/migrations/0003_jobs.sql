-- Runs of every workflow type, and what the blob store keeps for people: manifests and reports.

alter table runs
    add column kind text not null default 'sync_pipeline',  -- the workflow type
    add column summary jsonb not null default '{}';         -- figures to be shown with the run
create index runs_kind on runs (kind, started_at desc);

alter table sources
    add column tags       text[] not null default '{}',
    add column cron       text,          -- when the source has a schedule of its own in cron's words
    add column checked_at timestamptz,   -- start of the last run that read its listing
    add column synced_at  timestamptz;   -- start of the last run that worked it through

-- Blobs that no fetch refers to: input and outcome manifests, reports. Collection spares them.
create table artifacts (
    kind       text not null,   -- manifest, outcomes, report
    name       text not null,   -- of a manifest its hash, of outcomes the run id, of a report its week and form
    hash       bytea not null,
    media      text not null,
    created_at timestamptz not null,
    primary key (kind, name)
);
create index artifacts_hash on artifacts (hash);
