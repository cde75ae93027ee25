-- Sources whose own hosts are fetched from without asking robots.txt, and what was fetched so.
alter table sources
    add column robots text not null default 'obey' check (robots in ('obey', 'ignore'));
alter table fetches add column robots_ignored boolean not null default false;
alter table daily_stats add column robots_ignored boolean not null default false;
