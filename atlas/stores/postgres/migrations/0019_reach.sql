-- Where a source's pages may be fetched from, beside public hosts at the usual ports. Sources that are
-- there keep what they had: all networks that the operator allows, and the ports that their live pages
-- were fetched from. New ones begin with none.
alter table sources
    add column allow      text[]  not null default '{}',
    add column ports      int[]   not null default '{}',
    add column allow_http boolean not null default false;

update sources set allow = '{any}';

update sources s set ports = found.ports[1:100]
from (
    select source_id, array_agg(distinct port order by port) as ports
    from (
        select sp.source_id, substring(p.url from '^https?://[^/]*:([0-9]{1,5})/')::int as port
        from source_pages sp
        join pages p on p.id = sp.page_id
        join page_state ps on ps.page_id = sp.page_id
        where ps.lifecycle in ('live', 'suspect')
    ) held
    where port is not null and port not in (80, 443) and port not between 8000 and 8999
    group by source_id
) found
where s.id = found.source_id;
