"""`AtlasClient`: Atlas for Python programs.

    async with AtlasClient.connect() as atlas:
        await atlas.sources.add("docs", "https://example.org/docs/")
        run = await atlas.sync("docs")
        print((await run.result()).counts)
        for hit in (await atlas.search("lighthouse")).results:
            print(hit.url, hit.snippet)

Errors are those of `starter.errors`; the tree is drawn there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from atlas.settings import Settings, SettingsError
from starter.archives import Archives
from starter.connection import Parts
from starter.corpus import Corpus
from starter.deletions import HeldDeletions
from starter.errors import InvalidRequest
from starter.exports import Exports
from starter.hosts import Hosts
from starter.limits import ManualLimits
from starter.pushed_documents import PushedDocuments
from starter.runs import Runs
from starter.schedules import Schedules
from starter.source_files import SourceFiles
from starter.sources import Sources

if TYPE_CHECKING:
    from starter.monitoring.overview import Overview


class AtlasClient:
    """One Atlas: its `sources`, `source_files`, `runs`, `corpus`, `exports`, `deletions`,
    `schedules`, `hosts` and `limits`.

    Use it as an async context manager, or call `close`. PostgreSQL and Temporal are connected to
    when they are first needed, so searching works while Temporal is down.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.corpus = corpus = Corpus(parts)
        self.runs = runs = Runs(parts)
        self.sources = sources = Sources(parts)
        self.source_files = SourceFiles(parts, sources)
        self.schedules = Schedules(parts)
        self.deletions = HeldDeletions(parts)
        self.exports = exports = Exports(parts)
        self.pushes = pushes = PushedDocuments(parts)
        self.archives = archives = Archives(parts)
        self.hosts = Hosts(parts)
        self.limits = ManualLimits(parts)

        # What programs call most, in short: `atlas.sync("docs")` is `atlas.runs.sync("docs")`.
        self.sync = runs.sync
        self.fetch_url = runs.fetch_url
        self.start_fetch = runs.start_fetch
        self.start = runs.start
        self.run = runs.get
        self.describe_run = runs.describe
        self.recorded_run = runs.recorded
        self.retry = runs.retry
        self.terminate = runs.terminate
        self.manifest = runs.manifest
        self.outcomes = runs.outcomes
        self.search = corpus.search
        self.search_all = corpus.search_all
        self.documents = corpus.documents
        self.document = corpus.document
        self.export = exports.documents
        self.export_chunks = exports.chunks
        self.chunks = corpus.chunks
        self.start_export = exports.start
        self.explain = corpus.explain
        self.history = corpus.history
        self.diff = corpus.diff
        self.restore = corpus.restore
        self.put = pushes.put
        self.withdraw = pushes.withdraw
        self.import_archive = archives.import_archive
        self.unknown_language = corpus.unknown_language
        self.quarantined = corpus.quarantined
        self.held = corpus.held
        self.held_body = corpus.held_body
        self.index_generations = corpus.index_generations
        self.changes = corpus.changes
        self.purge = runs.purge
        self.purged = corpus.purged
        self.allow_purged = corpus.allow_purged
        self.reports = corpus.reports
        self.report = corpus.report

    @classmethod
    def connect(cls, settings: Settings | None = None) -> Self:
        """A client: `await` it, or open it with `async with`.

        Addresses come from `settings` (by default the environment and `.env`), Temporal's own
        configuration, and what the embedded stack recorded. Raises `InvalidRequest` for an
        invalid setting.
        """
        try:
            return cls(Parts(settings or Settings.load()))
        except SettingsError as error:
            raise InvalidRequest(str(error)) from None

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()  # nothing to wait for: parts are connected to when they are first needed
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection. Runs go on."""
        await self._parts.close()

    async def overview(self, *, stale_after: timedelta | None = None) -> Overview:
        """One look at workers, queues, runs under way, hosts, schedules and sources, as shown by
        `atlas status` and `atlas top`. A part that is down is named in `untold`; the rest is there.
        `stale_after`: how late any source may be, in place of its own tolerance."""
        from starter.monitoring.watch import Watch

        return await Watch(self._parts, stale_after=stale_after).look()

    def watch(
        self, interval: float = 1.0, *, stale_after: timedelta | None = None
    ) -> AsyncGenerator[Overview]:
        """An overview every `interval` seconds, for ever. Repeated looks know the speed of runs and
        which workers are alive better than a single one."""
        from starter.monitoring.rates import every
        from starter.monitoring.watch import Watch

        return every(interval, Watch(self._parts, stale_after=stale_after).look)
