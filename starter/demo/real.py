"""The demo on a site of somebody else: sync, search, sync again."""

from __future__ import annotations

import re
from pathlib import Path

from atlas.contracts.sync_pipeline import SyncResult
from atlas.locations import locate
from atlas.settings import Settings
from atlas.stores.postgres.connection import open_pool
from atlas.stores.postgres.crawl import runs
from atlas.stores.postgres.services.catalogue import ListedDocument
from starter.client import AtlasClient
from starter.demo.home import running_stack
from starter.demo.story import Story
from starter.demo.telling import Finale, sync, tell_stack

NAME = "site"
_DONE = ("completed", "completed_with_failures")
_WORD = re.compile(r"\w{3,}")


async def tell(
    story: Story, home: Path, finale: Finale, url: str, max_pages: int, delay: float
) -> None:
    """Tell the story of `url`; `finale` gets the links to its runs while everything is up."""
    story.title(f"Atlas, with {url}")
    story.step("Start the stack")
    story.command("atlas up -d")
    async with running_stack(home) as said:
        await tell_stack(story, home, said)
        async with AtlasClient.connect() as atlas:
            await finale(await _tell(story, atlas, url, max_pages, delay))


async def _tell(
    story: Story, atlas: AtlasClient, url: str, max_pages: int, delay: float
) -> list[str]:
    story.step("Declare the site as a source")
    limits = f"--max-pages {max_pages}" + (f" --delay {delay:g}" if delay != 1 else "")
    story.command(f"atlas sources add {NAME} {url} {limits}")
    added = await atlas.sources.add(NAME, url, max_pages=max_pages, delay=delay)
    story.say(f"Kind {added.spec.kind}: {added.evidence or 'as told'}.")
    if added.warning:
        story.say(f"Mind: {added.warning}")
    story.step("Sync it: find its pages, fetch, extract, recognise duplicates, index")
    if delay * max_pages > 30:
        story.say(
            f"One request each {delay:g} s, as a guest should: {max_pages} pages take "
            f"{delay * max_pages / 60:.1f} min."
        )
    first, first_link = await sync(story, atlas, NAME, patient=True)
    _tell_failures(story, first)
    story.check(first.outcome in _DONE, "the run completed", first.message or first.outcome)
    story.check(first.counts.added > 0, "pages were added to the corpus", first.message)
    story.step("Search")
    await _search(story, atlas)
    story.step("Sync again: nothing is downloaded or stored twice")
    second, second_link = await sync(story, atlas, NAME, patient=True)
    await _tell_answers(story, second)
    story.check(second.outcome in _DONE, "the run completed", second.message or second.outcome)
    return [link for link in (first_link, second_link) if link]


def _tell_failures(story: Story, result: SyncResult) -> None:
    for failure in result.failures[:5]:
        story.say(f"failed: {failure.url} ({failure.code}: {failure.message})")
    if result.counts.failed > 5:
        story.say(f"and {result.counts.failed - 5} more; `atlas runs show {result.run_id}`")


async def _search(story: Story, atlas: AtlasClient) -> None:
    document = await _titled(atlas)
    if document is None:
        story.check(False, "a page has a title of two words or more to search for")
        return
    query = " ".join(_WORD.findall(document.title)[:6])
    story.command(f"atlas search '{query}'")
    page = await atlas.search(query, limit=10)
    story.hit(query, page.results[0] if page.results else None)
    shown = {url for hit in page.results for url in (hit.url, *hit.similar)}
    # A title that many pages share may push ours further down; something must be found.
    story.check(
        document.url in shown or page.total >= 10,
        f"words of the title of {document.url} find it, or ten others that match better",
        f"{page.total} results",
    )


async def _titled(atlas: AtlasClient) -> ListedDocument | None:
    """The document with the longest title among the first: its words tell it from the others."""
    found = [d async for d in atlas.documents(limit=200) if len(_WORD.findall(d.title)) >= 2]
    return max(found, key=lambda document: len(document.title), default=None)


async def _tell_answers(story: Story, result: SyncResult) -> None:
    pool = await open_pool(locate(Settings.load()).require_database(), size=1)
    try:
        async with pool.acquire() as connection:
            answers = await runs.answers(connection, result.run_id)
    finally:
        await pool.close()
    shown = [f"{count} × {status or 'no answer'}" for status, count in sorted(
        answers.items(), key=lambda item: item[0] or 0
    )]  # fmt: skip
    story.say(f"The server answered {', '.join(shown)}.")
    if answers.get(304):
        story.say(
            f"{answers[304]} pages came as 304 Not Modified, without a body: Atlas sent the "
            "validators it had stored. A 200 with the same text counts as unchanged as well."
        )
    else:
        story.say("The site honours no validators, so bodies came again; equal texts are kept.")
