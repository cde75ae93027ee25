"""Which pages a query asks for: by source, language, address and date of publication, as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PageScope:
    """Which pages may be shown; what is empty leaves nothing out."""

    sources: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    """Hosts, each with the beginning of a path if it has one; with their subdomains."""
    not_sites: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None

    @property
    def parameters(self) -> tuple[object, ...]:
        """The parameters of `in_page_scope`, in order."""
        return (
            *(list(self.sources), list(self.langs), list(self.sites), list(self.not_sites)),
            *(self.after, self.before),
        )


EVERY_PAGE = PageScope()


def in_page_scope(first: int) -> str:
    """SQL: whether a document `d` of a page `p` is in the scope of the parameters from `first`
    on."""
    sources, langs, sites, not_sites, after, before = (f"${first + n}" for n in range(6))
    return (
        f"({sources}::text[] = '{{}}' or exists (select from source_pages sp"
        f" join sources s on s.id = sp.source_id"
        f" where sp.page_id = p.id and s.name = any({sources})))"
        f" and ({langs}::text[] = '{{}}' or d.lang = any({langs}))"
        f" and ({sites}::text[] = '{{}}' or exists ({_on_site(sites)}))"
        f" and not exists ({_on_site(not_sites)})"
        f" and ({after}::timestamptz is null or d.published >= {after})"
        f" and ({before}::timestamptz is null or d.published < {before})"
    )


# A port counts only where one is given; /docs is not the beginning of /docsearch.
_SITE = """
select from unnest(/* sites */::text[]) as w(site)
 cross join lateral (
       select split_part(p.url, '/', 3) as host,
              translate(regexp_replace(p.url, '^[^:]+://[^/]*', ''), '?#', '//') || '/' as path,
              split_part(w.site, '/', 1) as wanted,
              substr(w.site, 1 + length(split_part(w.site, '/', 1))) || '/' as below) a
 where (a.host = a.wanted or split_part(a.host, ':', 1) = a.wanted
        or right('.' || split_part(a.host, ':', 1), 1 + length(a.wanted)) = '.' || a.wanted)
   and starts_with(a.path, a.below)
"""


def _on_site(parameter: str) -> str:
    return _SITE.replace("/* sites */", parameter)
