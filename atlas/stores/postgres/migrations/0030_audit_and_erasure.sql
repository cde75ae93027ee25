-- Self-audit: what does not agree, and what was done about it; and erasure: addresses kept by hash
-- alone, so that what was erased stays away.

-- Written by a run of `audit_corpus`; those of the last few audits are kept.
create table audit_findings (
    run_id     text not null references runs on delete cascade,
    check_name text not null,
    key        text not null,  -- what it is about: a page's number, a hash, a run
    detail     text not null,
    repair     text not null default '',  -- what was done, or why nothing could be
    repaired   boolean not null default false,
    primary key (run_id, check_name, key)
);

-- SHA-256 of the corpus' id, a line end and the canonical URL: without the id, a list of guesses
-- cannot be tried against a copy of the table.
create table purged_urls (
    url_hash  bytea primary key,
    purged_at timestamptz not null,
    reason    text not null check (reason ~ '^[a-z0-9][a-z0-9_-]{0,39}$')
);

-- Addresses that a run was refused because they are purged, and pages erased from its record since:
-- its counts stay what they were.
create table run_purged (
    run_id   text not null references runs on delete cascade,
    url_hash bytea not null,
    outcome  text not null check (outcome in ('added', 'updated', 'unchanged', 'failed', 'skipped')),
    primary key (run_id, url_hash)
);

-- What a run of `purge_documents` has chosen, until it has proved that nothing of it is left.
create table purge_pages (
    run_id   text not null references runs on delete cascade,
    url_hash bytea not null,
    url      text collate "C" not null,
    page     boolean not null,  -- whether it was a page when it was chosen,
    document boolean not null,  -- with a live document,
    shared   boolean not null,  -- and held by more than one source
    erased   boolean not null default false,
    primary key (run_id, url_hash)
);

-- Bodies that what was erased referred to: deleted unless something else refers to them.
create table purge_blobs (
    run_id text not null references runs on delete cascade,
    hash   bytea not null,
    gone   boolean not null default false,     -- nothing more is to be done
    deleted boolean not null default false,    -- its bytes were
    primary key (run_id, hash)
);

create function purge_hash(url text) returns bytea language sql stable parallel safe as $$
    select sha256(convert_to(corpus_id::text || E'\n' || url, 'UTF8')) from corpus
$$;

-- The last guard, whoever writes: no page and no line of the ledger is made for a purged address.
-- The lock keeps an erasure from overlooking a row that is being written (`erasure/purged_urls.py`).
create function refuse_purged_page() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(x'41544C0004'::bigint);
    if not exists (select from purged_urls) then
        return new;  -- as nearly everywhere: hashing takes ten times as long
    end if;
    if exists (select from purged_urls where url_hash = purge_hash(new.url)) then
        return null;
    end if;
    return new;
end $$;
create trigger refuse_purged before insert on pages
    for each row execute function refuse_purged_page();

create function refuse_purged_fetch() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(x'41544C0004'::bigint);
    if not exists (select from purged_urls) then
        return new;  -- as nearly everywhere: hashing takes ten times as long
    end if;
    if exists (select from purged_urls where url_hash = purge_hash(new.url)) then
        return null;
    end if;
    if new.final_url <> new.url and exists (
        select from purged_urls where url_hash = purge_hash(new.final_url)) then
        new.final_url := null;
        new.snapshot := null;
        new.etag := null;
        new.last_modified := null;
    end if;
    return new;
end $$;
create trigger refuse_purged before insert on fetches
    for each row execute function refuse_purged_fetch();
