"""Held removals from Python: `atlas.deletions.list()`, `approve("docs")`, `reject("docs", url)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.stores.postgres.crawl.pages import held_removals
from atlas.stores.postgres.crawl.pages.held_removals import HeldRemoval
from atlas.stores.postgres.sources import sources
from starter.connection import Parts
from starter.errors import NotFound

if TYPE_CHECKING:
    from atlas.contracts.decide_deletions import DecideDeletionsResult, Decision
    from atlas.contracts.jobs import Trigger
    from starter.runs.handles import JobHandle


class HeldDeletions:
    """Removals that the brake held, and a person's word on them.

    They leave and stay by a run (`decide_deletions`), so a worker has to be there.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(
        self, source: str | None = None, *, limit: int | None = None
    ) -> list[HeldRemoval]:
        """What waits for a decision, by source and URL. One whose page has answered since waits no
        more. Raises `NotFound`."""
        try:
            async with self._parts.database() as connection:
                return await held_removals.open_removals(connection, source=source, limit=limit)
        except sources.UnknownSource as error:
            raise NotFound(str(error)) from None

    async def approve(self, of: str, *urls: str) -> DecideDeletionsResult:
        """Remove what is held of a source or by a run, or only some URLs of it: exactly that, if
        its pages have not answered since. Raises `InvalidRequest`, `Failed`, `CannotConnect`."""
        return await (await self.start("approve", of, urls)).result()

    async def reject(self, of: str, *urls: str) -> DecideDeletionsResult:
        """Keep what is held of a source or by a run, or only some URLs of it: it is not asked again
        before the page has answered in between. Raises as `approve` does."""
        return await (await self.start("reject", of, urls)).result()

    async def start(
        self, decision: Decision, of: str, urls: tuple[str, ...], trigger: Trigger = "client"
    ) -> JobHandle[DecideDeletionsResult]:
        """Start a decision without waiting for it. Raises `InvalidRequest`, `DifferentRequest`,
        `CannotConnect`."""
        from starter.page_urls import canonical_url
        from starter.runs.start import kind_named, start_type

        fields = {"decision": decision, "of": of, "urls": [canonical_url(url) for url in urls]}
        return await start_type(self._parts, kind_named("decide_deletions"), fields, trigger)
