-- Where a source's pages may be fetched from, beside public hosts at the usual ports. Sources that are
-- there keep what they had, all networks that the operator allows; new ones begin with none.
alter table sources
    add column allow      text[]  not null default '{}',
    add column ports      int[]   not null default '{}',
    add column allow_http boolean not null default false;
update sources set allow = '{any}';
