"""`atlas.corpus.explain(url)`: why a page is, or is not, in the corpus as it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from atlas.domain.addresses.bucket_urls import page_address
from atlas.domain.addresses.urls import InvalidUrl, is_bucket_url
from atlas.domain.removal.page_facts import PageFacts, TextKept
from atlas.domain.removal.page_verdict import PageVerdict
from atlas.domain.removal.verdict_rules import verdict_on
from starter.connection import Parts
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from atlas.settings import Settings


@dataclass(frozen=True, slots=True)
class Explanation:
    """The story of one address, from what is recorded: nothing is fetched."""

    verdict: PageVerdict = field(metadata={"json": ""})
    asked: str
    """The address as it was given."""
    notes: tuple[str, ...]
    """How it became `url`: its fragment was left out, the page is known with a slash …"""
    facts: PageFacts = field(metadata={"json": ""})


async def explain(parts: Parts, asked: str) -> Explanation:
    """Raises `InvalidRequest` for what is no URL, `CannotConnect`."""
    from atlas.stores.postgres.reporting.page_lookup import page_facts

    try:
        url = page_address(asked)
    except InvalidUrl as error:
        raise InvalidRequest(f"url: {error}") from None
    async with parts.database() as connection:
        now = await connection.fetchval("select clock_timestamp()")
        facts = await page_facts(connection, url, now)
    links = [
        replace(each, ui_url=parts.locations.run_url(each.workflow_id, each.run_id))
        for each in facts.visits
    ]
    facts = replace(facts, visits=tuple(links), text=await _indexed(parts, facts.text))
    found = verdict_on(facts, out_of_reach=_out_of_reach(parts.settings, facts))
    return Explanation(found, asked, tuple(_notes(asked, url, facts.url)), facts)


async def _indexed(parts: Parts, text: TextKept | None) -> TextKept | None:
    """The text, with the builds of the search index that have it, as far as they can be read."""
    from atlas.stores.search.port import SearchIndexError

    if text is None:
        return None
    index = parts.search_index()
    try:
        having = [
            each.number
            for each in await index.generations()
            if await index.parts_of(each.number, text.text_hash)
        ]
        return replace(text, generations=tuple(having), active_generation=await index.serving())
    except SearchIndexError:
        return text


def _notes(asked: str, url: str, found: str) -> list[str]:
    notes = []
    if url != asked:
        what = "without its fragment, " if "#" in asked else ""
        notes.append(f"{asked} is {url} {what}in its canonical form")
    if found != url:
        notes.append(f"no page is recorded at {url}; this is the one at {found}")
    return notes


def _out_of_reach(settings: Settings, facts: PageFacts) -> str | None:
    """Why the address may not be connected to, as far as that is known without DNS; only asked of
    one that no source holds."""
    if facts.holders or any(each.refused_by is None for each in facts.sources):
        return None
    if is_bucket_url(facts.url):
        return None
    from starter.forbidden_addresses import refused_address

    return refused_address(settings, [facts.url])
