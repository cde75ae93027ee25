"""What `docs/watching.md` says of the Web UI's list of workflows is what Temporal's list has."""

from __future__ import annotations

import asyncio
import re
from typing import get_args

from atlas.contracts.jobs import Trigger
from atlas.contracts.names import SEARCH_ATTRIBUTES
from tests.docs.pages import ROOT
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

SECTION = "## Runs in the Web UI"


def section() -> str:
    page = (ROOT / "docs/watching.md").read_text(encoding="utf-8")
    return page.partition(SECTION)[2].partition("\n## ")[0]


def filters() -> list[str]:
    """The queries that the page gives as examples."""
    return section().partition("```text\n")[2].partition("```")[0].splitlines()


def test_the_columns_of_the_page_are_the_search_attributes() -> None:
    named = set(re.findall(r"\bAtlas[A-Z]\w+", section()))
    rows = re.findall(r"^\| `(Atlas\w+)` \| (.+) \|$", section(), re.MULTILINE)
    assert named == {column for column, _ in rows} == SEARCH_ATTRIBUTES.keys()
    triggers = set(get_args(get_args(Trigger)[0]))
    assert set(re.findall(r"`(\w+)`", dict(rows)["AtlasTrigger"])) == triggers


async def test_the_list_tells_a_run_with_failures_from_a_clean_one(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/a", "<html lang=en><title>A</title><p>The ferry bell rings twice in fog.")
    origin.page("/b", "<html lang=en><title>B</title><p>The harbour wakes before the bakery does.")
    origin.status("/gone", 404)
    await atlas_env.add_source("clean", "urls", origin.url("/a"))
    await atlas_env.add_source("docs", "urls", origin.url("/b"), origin.url("/gone"))
    async with atlas_env.worker():
        await atlas_env.sync("clean")
        await atlas_env.sync("docs")

    async def found(query: str) -> list[tuple[str, str, int]]:
        return sorted(
            [
                tuple(
                    each.search_attributes[name][0]
                    for name in ("AtlasSource", "AtlasOutcome", "AtlasDocsChanged")
                )
                async for each in atlas_env.client.list_workflows(query)
            ]
        )

    clean, failed = ("clean", "completed", 1), ("docs", "completed_with_failures", 1)
    while await found('WorkflowType = "sync_pipeline"') != [clean, failed]:
        await asyncio.sleep(0.1)  # visibility follows the run by moments
    assert [await found(query) for query in filters()] == [[failed]] * 3
