"""Sources as a file, from Python: `atlas.source_files.plan`, `apply`, `export`, `import_opml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.sources import sources
from starter.connection import Parts
from starter.errors import InvalidRequest, PlanOutdated, Undetected
from starter.source_files.opml import FeedsOfFile, RefusedFeed, new_sources, write_opml
from starter.source_files.plan import SourceFilePlan, moved, planned
from starter.sources import RemovedSource, Sources, checked

if TYPE_CHECKING:
    from atlas.stores.postgres.connection import Connection

MOST_SAMPLED = 1000
"""Pages of a source that a plan may fetch for their size."""


@dataclass(frozen=True, slots=True)
class ImportedFeeds:
    """The result of importing an OPML file."""

    added: tuple[str, ...]
    """Names of the sources that were declared, one for each new feed."""
    known: tuple[str, ...]
    """URLs of feeds that a source has already."""
    refused: tuple[RefusedFeed, ...]
    """Feeds that were left out, with the reason."""


@dataclass(frozen=True, slots=True)
class AppliedSources:
    """What `apply` did, by name."""

    added: tuple[str, ...]
    """Sources that were declared."""
    changed: tuple[str, ...]
    """Sources whose rules were changed."""
    removed: tuple[RemovedSource, ...]
    """Sources that were removed; their pages stay searchable."""
    unchanged: tuple[str, ...]
    """Sources that are as the file says already."""


class SourceFiles:
    """The declared sources of one Atlas as a file that says what they are to be.

    `text` is the content of `sources.yaml`; `file` is its name in reports of mistakes.
    """

    def __init__(self, parts: Parts, declared: Sources) -> None:
        self._parts = parts
        self._sources = declared

    async def export_opml(self) -> str:
        """The declared feeds as OPML: sources of other kinds have no place there."""
        return write_opml((await self._declared()).values())

    async def read_opml(self, body: bytes, *, tags: Sequence[str] = ()) -> FeedsOfFile:
        """The sources that an OPML file would add, each tagged with its folders and categories, and
        with `tags`; nothing is declared, and no host is asked. Raises `InvalidRequest` for a file
        that is not OPML, declares entities, or goes beyond a limit."""
        from atlas.domain.errors import PageError
        from atlas.domain.wire_fields import MalformedAnswer
        from atlas.worker.opml_parser import opml_parsed

        try:
            feeds = await opml_parsed(self._parts.settings, body)
        except PageError as error:
            raise InvalidRequest(f"opml: the file cannot be read: {error.message}") from None
        except MalformedAnswer as error:
            raise InvalidRequest(f"opml: the file cannot be read: {error}") from None
        found = new_sources(feeds, await self._declared(), tags)
        for spec in found.specs:
            checked(spec)
        return found

    async def import_opml(
        self, body: bytes, *, tags: Sequence[str] = (), force: bool = False
    ) -> ImportedFeeds:
        """Declare a source for each feed of an OPML file that no source has yet, in one
        transaction. Feeds that do not answer, or are forbidden by the settings, are left out,
        unless `force`. Raises as `read_opml`."""
        from starter.source_files import estimates

        found = await self.read_opml(body, tags=tags)
        plan = planned(found.specs, {}, prune=False)
        wanted = {spec.name: spec for spec in found.specs}
        problems: dict[str, str] = {}
        if not force:
            problems = self._problems(wanted, plan)
            asked = [spec for spec in found.specs if spec.name not in problems]
            looked = await estimates.estimate(
                self._parts, asked, plan.named("added"), look=True, sample=None
            )
            problems |= looked.problems
        going = [spec for spec in found.specs if spec.name not in problems]
        now = datetime.now(UTC)
        async with self._sources.database() as connection, connection.transaction():
            for spec in going:
                await sources.add(connection, spec, now)
        left = [RefusedFeed(wanted[name].urls[0], why) for name, why in sorted(problems.items())]
        return ImportedFeeds(
            tuple(spec.name for spec in going), found.known, (*found.refused, *left)
        )

    async def export(self) -> str:
        """The declared sources as `sources.yaml`, which applies back to no change."""
        from starter.source_files.writer import write_sources

        return write_sources((await self._declared()).values())

    async def plan(
        self,
        text: str,
        *,
        file: str = "sources.yaml",
        prune: bool = False,
        look: bool = True,
        costs: bool = True,
        sample: int | None = None,
    ) -> SourceFilePlan:
        """What the file would change, and with `costs` what the next whole syncs of the changed
        sources take; nothing is changed. `prune`: sources that it does not name would be removed.
        `look`: ask hosts of new sources whether they answer, and for the costs read listings and
        fetch a `sample` of pages that were never asked for, of each source (10 by default).

        Raises `InvalidSourcesFile` with every mistake.
        """
        from starter.source_files import estimates
        from starter.source_files.reader import read_sources

        size = estimates.SAMPLE if sample is None else sample
        if not 0 <= size <= MOST_SAMPLED:
            raise InvalidRequest(f"sample: {size} refused: give 0 to {MOST_SAMPLED} pages")
        declared = await self._declared()
        wanted = {spec.name: spec for spec in read_sources(text, file, declared)}
        plan = planned(wanted.values(), declared, prune=prune)
        problems = self._problems(wanted, plan)
        asked = [wanted[name] for name in plan.named("added", "changed") if name not in problems]
        found = await estimates.estimate(
            self._parts,
            asked,
            plan.named("added"),
            look=look,
            sample=size if costs else None,
        )
        problems |= found.problems
        async with self._sources.database() as connection:
            pages = await _pages_only_here(connection, plan)
        sources = tuple(
            replace(
                each,
                problem=problems.get(each.name, ""),
                pages=pages.get(each.name, 0),
                cost=found.costs.get(each.name),
            )
            for each in plan.sources
        )
        return replace(plan, sources=sources, cost=found.total)

    async def apply(
        self,
        text: str,
        *,
        file: str = "sources.yaml",
        plan: SourceFilePlan | None = None,
        prune: bool = False,
        force: bool = False,
    ) -> AppliedSources:
        """Make the declared sources what the file says, in one transaction: all of it or nothing.
        Applied again, it changes nothing. With a `plan`, it does exactly what that says, or
        nothing, and the plan's own `prune` counts. `force`: declare new sources even if their hosts
        do not answer.

        Raises `InvalidSourcesFile`, `PlanOutdated`, `Undetected`, `SourceBusy` while a run works
        on a source that is to be removed.
        """
        if plan is None:
            plan = await self.plan(text, file=file, prune=prune, look=not force, costs=False)
        if not force:
            _refuse_problems(plan)
        return await self._applied(text, file, plan)

    async def _applied(self, text: str, file: str, plan: SourceFilePlan) -> AppliedSources:
        from atlas.stores.postgres.services import catalogue
        from starter.source_files.reader import read_sources

        now = datetime.now(UTC)
        removed: list[RemovedSource] = []
        async with self._sources.database() as connection, connection.transaction():
            await sources.lock_declarations(connection)
            declared = await _declared(connection)
            wanted = {spec.name: spec for spec in read_sources(text, file, declared)}
            current = planned(wanted.values(), declared, prune=plan.prune)
            if current.changes and (said := moved(plan, current)):
                raise PlanOutdated(said)
            for name in current.named("changed"):
                await sources.edit(connection, wanted[name])
            for name in current.named("added"):
                await sources.add(connection, wanted[name], now)
            await sources.lock_for_removal(connection, current.named("removed"))
            for name in current.named("removed"):
                pages = await catalogue.remove_source(
                    connection, name, purge=False, now=now, is_open=self._parts.run_is_open
                )
                removed.append(RemovedSource(name, pages, purged=False))
        for each in current.changes:
            await self._sources.schedule_follows(
                each.name, declared.get(each.name), wanted.get(each.name)
            )
        return AppliedSources(
            current.named("added"),
            current.named("changed"),
            tuple(removed),
            current.named("unchanged"),
        )

    async def _declared(self) -> dict[str, SourceSpec]:
        async with self._sources.database() as connection:
            return await _declared(connection)

    def _problems(self, wanted: Mapping[str, SourceSpec], plan: SourceFilePlan) -> dict[str, str]:
        """Why the settings refuse sources, by name."""
        from starter.forbidden_addresses import refuse_forbidden, refuse_outside
        from starter.sources import refuse_roots

        found: dict[str, str] = {}
        for each in plan.changes:
            spec = wanted.get(each.name)
            if spec is None:
                continue
            try:
                if any(change.rule == "allow" for change in each.rules):
                    refuse_outside(self._parts.settings, spec.allow)
                if any(change.rule in ("urls", "kind") for change in each.rules):
                    refuse_roots(self._parts.settings, spec)
                if each.change == "added" and spec.has_hosts:
                    refuse_forbidden(self._parts.settings, spec.urls)
            except (InvalidRequest, Undetected) as error:
                found[each.name] = str(error)
        return found


def _refuse_problems(plan: SourceFilePlan) -> None:
    said = [f"{each.name}: {each.problem}" for each in plan.sources if each.problem]
    if said:
        raise Undetected("\n".join(["nothing was changed:", *said]))


async def _declared(connection: Connection) -> dict[str, SourceSpec]:
    return {each.spec.name: each.spec for each in await sources.every(connection)}


async def _pages_only_here(connection: Connection, plan: SourceFilePlan) -> dict[str, int]:
    from atlas.stores.postgres.services import catalogue

    return {
        name: await catalogue.pages_only_here(connection, name) for name in plan.named("removed")
    }
