"""Looking at runs, and a hand on them: a part of `AtlasClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from starter.connection import Parts
from starter.errors import NotFound
from starter.runs.listing import RecordedRun, RunFilter

if TYPE_CHECKING:
    from atlas.contracts.jobs import Trigger
    from starter.runs.details import RunDetails
    from starter.runs.kinds import AnyHandle
    from starter.runs.retry import RetriedRun
    from starter.runs.terminate import TerminatedRun


class Managing:
    """Runs are named by run id or its beginning, workflow id, or source (the run under way, or its
    latest)."""

    _parts: Parts

    async def run(self, named: str) -> AnyHandle:
        """A handle on a run. Raises `NotFound`, `CannotConnect`."""
        from starter.runs.kinds import handle_on
        from starter.runs.lookup import find
        from starter.runs.typed_runs import kind_named

        found = await find(self._parts, named)
        kind = kind_named(found.workflow)
        return await handle_on(self._parts, kind, found.workflow_id, found.run_id)

    async def describe_run(self, named: str, *, failures: int = 20) -> RunDetails:
        """All that is known of a run: its record, and while it is under way stage, progress, and
        what it retries, from Temporal. Raises `NotFound`, `CannotConnect`."""
        from starter.runs.details import details

        return await details(self._parts, named, failures)

    async def runs(self, *, limit: int = 20, **wanted: Unpack[RunFilter]) -> list[RecordedRun]:
        """The latest runs, newest first, without their failures. Raises `InvalidRequest`."""
        from starter.runs.listing import listed

        return await listed(self._parts, limit, wanted)

    async def recorded_run(self, named: str, *, failures: int = 20) -> RecordedRun:
        """One run as recorded, with its first `failures` failures; Temporal is not asked. Raises
        `NotFound`."""
        from atlas.stores.postgres.crawl import run_queue, runs
        from atlas.stores.postgres.services import catalogue

        try:
            async with self._parts.database() as connection:
                run = await catalogue.find_run(connection, named)
                failed = await runs.failures(connection, run.run_id, failures)
                counts = await run_queue.counts(connection, run.run_id)
        except runs.UnknownRun as error:
            raise NotFound(str(error)) from None
        url = self._parts.locations.run_url(run.workflow_id, run.run_id)
        return RecordedRun(run, counts, failed, url)

    async def terminate(self, named: str, reason: str = "") -> TerminatedRun:
        """End a run from outside, at once, where `cancel` does not help: it finishes nothing and
        gives nothing back. Its record is ended, its lease and claims are let go; runs that it
        started go on. Raises `NotFound`, `CannotConnect`."""
        from starter.runs.lookup import find
        from starter.runs.terminate import terminate

        found = await find(self._parts, named)
        return await terminate(self._parts, found.workflow_id, found.run_id, reason)

    async def retry(self, named: str, *, trigger: Trigger = "client") -> RetriedRun:
        """Start again what failed of a run that has ended: the failed pages where it worked
        through, else the same request. Raises `NotFound`, `Refused` while it is under way,
        `DifferentRequest`, `CannotConnect`."""
        from starter.runs.retry import retry

        return await retry(self._parts, named, trigger)
