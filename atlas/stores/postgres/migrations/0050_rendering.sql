-- Pages that a browser renders. Which of a source's pages: never, those that need it, or all.
alter table sources
    add column render text not null default 'never'
        check (render in ('never', 'when_needed', 'always'));

-- Whether the body last fetched, that of an attempt and that of a document is what a browser made of
-- the page, and not what its server sent.
alter table page_state add column rendered boolean not null default false;
alter table fetches add column rendered boolean not null default false;
alter table documents add column rendered boolean not null default false;

-- One more stage: listed -> fetched [-> rendering -> fetched] -> processed -> done. Not checked
-- against rows that are there: they have one of the stages from before.
alter table run_pages drop constraint run_pages_stage_check;
alter table run_pages add constraint run_pages_stage_check
    check (stage in ('listed', 'fetched', 'rendering', 'processed', 'done')) not valid;

-- That a body needs a browser is nothing against it: such a page is not left alone any more, since a
-- browser may come.
update page_state set lifecycle = 'discovered'
    where lifecycle = 'quarantined'
      and page_id in (select page_id from quarantine
                      where since is not null and code = 'needs_browser');
update quarantine set since = null where since is not null and code = 'needs_browser';
