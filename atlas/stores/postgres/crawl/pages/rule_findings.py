"""What rules of extraction found on the pages of a run, for the run's message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atlas.domain.extraction.extraction_rules import DeclaredRule, unmatched
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.sources.rules_of_pages import by_digest

_NAMED = 3
"""URLs in a message; `atlas explain` says it of every page."""
_RULES_NAMED = 5
"""Rules in a message."""


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """Of the pages of a run that have a text by rules."""

    pages: int
    fell_back: int
    """Pages on which a rule was not followed because nothing would have been left."""
    examples: tuple[str, ...]
    """The first of them by URL."""
    never: tuple[DeclaredRule, ...]
    """Rules that found nothing on any page."""

    @property
    def words(self) -> str:
        """What a person should know of it; "" if all rules do what they say."""
        said = []
        if self.fell_back:
            named = _listed([url[:150] for url in self.examples], self.fell_back)
            said.append(
                f"{self.fell_back} of {self.pages} pages have their ordinary text, because a rule "
                f"of extraction would leave nothing of it: {named}"
            )
        if self.never:
            rules = [f"{each.kind} {each.rule}" for each in self.never[:_RULES_NAMED]]
            named = _listed(rules, len(self.never))
            said.append(f"on none of {self.pages} pages was anything found by: {named}")
        if not said:
            return ""
        return f"{'; '.join(said)} (`atlas sources test URL` tries rules on a page)"


def _listed(named: Sequence[str], of: int) -> str:
    rest = of - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest > 0 else "")


async def of_run(connection: Connection, run_id: str) -> RuleFindings:
    """What the rules found on the pages of a run. Where no source has rules, which is nearly
    everywhere, that costs one look at the sources."""
    if not await connection.fetchval(
        "select exists (select from sources where extraction_rules is not null)"
    ):
        return RuleFindings(0, 0, (), ())
    rows = await connection.fetch(
        f"""
        select d.rules, count(*) as pages, count(d.fell_back) as fell_back,
               (array_agg(rp.url order by rp.url) filter (where d.fell_back is not null))[1:$2]
                   as examples
        {_PAGES} where {_RULED} group by d.rules
        """,
        run_id,
        _NAMED,
    )
    never: list[DeclaredRule] = []
    rules = await by_digest(connection, [row["rules"] for row in rows])
    # Of pages with elements only: selectors find nothing in a PDF by right.
    counts = await connection.fetch(
        f"""
        select d.rules, n.rule, max(n.found) as found
        {_PAGES}
        cross join unnest(d.rule_matches) with ordinality as n(found, rule)
        where {_RULED} and d.media = 'html'
        group by d.rules, n.rule order by d.rules, n.rule
        """,
        run_id,
    )
    for digest, declared in rules.items():
        found = [row["found"] for row in counts if row["rules"] == digest]
        never += unmatched(declared, found)
    examples = sorted(url for row in rows for url in row["examples"] or ())
    return RuleFindings(
        pages=sum(row["pages"] for row in rows),
        fell_back=sum(row["fell_back"] for row in rows),
        examples=tuple(examples[:_NAMED]),
        never=tuple(never),
    )


_PAGES = """
    from run_pages rp
    join versions v on v.page_id = rp.page_id and v.valid_to is null
    join documents d on d.id = v.document_id
"""
_RULED = """rp.run_id = $1 and rp.outcome in ('added', 'updated', 'unchanged')
    and d.rules is not null"""
