"""No pattern is searched on the event loop, wherever a run asks whether an address is wanted."""

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest

from activities.discovery import Discovery
from atlas.contracts.activities import EnlistUrls
from atlas.domain.addresses.scope import Scope
from atlas.domain.sources import SourceSpec
from tests.e2e.conftest import atlas_env
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

__all__ = ["atlas_env"]

OLD = (r"^(?!.*draft)",)
"""As declared before 0.3.1: it needs a time-out."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """By which function's request addresses were looked at, and how often on a loop."""
    seen: Counter[str] = Counter()
    refusal = Scope.refusal

    def watched(self: Scope, url: str) -> str | None:
        frame = inspect.currentframe()
        caller = frame.f_back if frame else None
        if caller and caller.f_code is Scope.allows.__code__:
            caller = caller.f_back
        seen[caller.f_code.co_name if caller else "?"] += 1
        try:
            asyncio.get_running_loop()
            seen["on the loop"] += 1
        except RuntimeError:
            pass
        return refusal(self, url)

    monkeypatch.setattr(Scope, "refusal", watched)
    return seen


@pytest.fixture
async def site(origin: Origin) -> AsyncIterator[Origin]:
    origin.page(
        "/", "<main><p>Start.</p><a href=a>A</a> <a href=draft>B</a> <a href=to>C</a></main>"
    )
    origin.page("/a", "<main><p>All about apples, and where they grow.</p></main>")
    origin.redirect("/to", "/a")
    origin.page("/map", f"<urlset><url><loc>{origin.url('/a')}</loc></url></urlset>")
    yield origin


async def test_patterns_are_searched_in_threads(
    atlas_env: AtlasEnv, site: Origin, asked: Counter[str]
) -> None:
    await atlas_env.add_source("site", "site", site.url("/"), include=OLD)
    await atlas_env.add_source("map", "sitemap", site.url("/map"), include=OLD)
    async with atlas_env.worker():
        await atlas_env.sync("site")
        await atlas_env.sync("map")
    assert asked["_pages_within"] >= 2 and asked["_within"] >= 1, asked  # links and listings
    assert asked["run"] >= 1  # the redirect: of the thread's own work item
    assert asked["on the loop"] == 0


async def test_urls_added_to_a_run_are_looked_at_in_a_thread(
    asked: Counter[str],
) -> None:
    source = SimpleNamespace(spec=SourceSpec("site", "site", ("https://h.org/",), include=OLD))
    runs, listing, nobody = AsyncMock(), AsyncMock(), AsyncMock()
    runs.run_source.return_value = (None, source)
    listing.add_pages.return_value = 1
    discovery = Discovery(runs, listing, nobody, nobody, nobody, nobody)
    request = EnlistUrls(run_id="r", urls=["https://h.org/a", "https://h.org/draft"])
    added = await discovery.enlist_urls(request)
    assert (added.added, added.refused) == (1, 1)
    assert (asked["_judged"], asked["on the loop"]) == (2, 0)
