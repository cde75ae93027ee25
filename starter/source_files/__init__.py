"""Sources as a file, from Python: `atlas.source_files.plan`, `apply`, `export`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from atlas.domain.sources import SourceSpec
from atlas.stores.postgres.sources import sources
from starter.connection import Parts
from starter.errors import InvalidRequest, PlanOutdated, Undetected
from starter.source_files.plan import SourcesPlan, moved, planned
from starter.sources import RemovedSource, Sources

if TYPE_CHECKING:
    from atlas.stores.postgres.connection import Connection


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

    `text` is that of `sources.yaml`; `file` is what mistakes are reported of.
    """

    def __init__(self, parts: Parts, declared: Sources) -> None:
        self._parts = parts
        self._sources = declared

    async def export(self) -> str:
        """The declared sources as `sources.yaml`, which applies back to no change."""
        from starter.source_files.writer import write_sources

        return write_sources((await self._declared()).values())

    async def plan(
        self, text: str, *, file: str = "sources.yaml", prune: bool = False, look: bool = True
    ) -> SourcesPlan:
        """What the file would change; nothing is changed. `prune`: sources that it does not name
        would be removed. `look`: ask the hosts of new sources whether they answer.

        Raises `InvalidSourcesFile` with every mistake.
        """
        from starter.source_files.reader import read_sources

        declared = await self._declared()
        wanted = read_sources(text, file, declared)
        plan = planned(wanted, declared, prune=prune)
        problems = await self._problems({spec.name: spec for spec in wanted}, plan, look)
        async with self._sources.database() as connection:
            pages = await _pages_only_here(connection, plan)
        return replace(
            plan,
            sources=tuple(
                replace(each, problem=problems.get(each.name, ""), pages=pages.get(each.name, 0))
                for each in plan.sources
            ),
        )

    async def apply(
        self,
        text: str,
        *,
        file: str = "sources.yaml",
        plan: SourcesPlan | None = None,
        prune: bool = False,
        force: bool = False,
    ) -> AppliedSources:
        """Make the declared sources what the file says, in one transaction: all of it or nothing.
        Applied again, it changes nothing. With a `plan`, whose `prune` counts then, it does just
        what that says, or nothing. `force`: declare also new sources whose hosts do not answer.

        Raises `InvalidSourcesFile`, `PlanOutdated`, `Undetected`, `SourceBusy` while a run works
        on a source that is to be removed.
        """
        if plan is None:
            plan = await self.plan(text, file=file, prune=prune, look=not force)
        if not force:
            _refuse_problems(plan)
        return await self._applied(text, file, plan)

    async def _applied(self, text: str, file: str, plan: SourcesPlan) -> AppliedSources:
        from atlas.stores.postgres.services import catalogue
        from starter.source_files.reader import read_sources

        now = datetime.now(UTC)
        removed: list[RemovedSource] = []
        async with self._sources.database() as connection, connection.transaction():
            await sources.lock_declarations(connection)
            declared = {each.spec.name: each.spec for each in await sources.every(connection)}
            wanted = {spec.name: spec for spec in read_sources(text, file, declared)}
            current = planned(wanted.values(), declared, prune=plan.prune)
            if current.changes and (said := moved(plan, current)):
                raise PlanOutdated(said)
            for name in current.named("removed"):
                pages = await catalogue.remove_source(
                    connection, name, purge=False, now=now, is_open=self._parts.run_is_open
                )
                removed.append(RemovedSource(name, pages, purged=False))
            for name in current.named("changed"):
                await sources.edit(connection, wanted[name])
            for name in current.named("added"):
                await sources.add(connection, wanted[name], now)
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
            return {each.spec.name: each.spec for each in await sources.every(connection)}

    async def _problems(
        self, wanted: Mapping[str, SourceSpec], plan: SourcesPlan, look: bool
    ) -> dict[str, str]:
        """Why sources would be refused, by name."""
        from starter.source_detection import refuse_forbidden, refuse_outside

        found: dict[str, str] = {}
        for each in plan.changes:
            spec = wanted.get(each.name)
            if spec is None:
                continue
            try:
                if any(change.rule == "allow" for change in each.rules):
                    refuse_outside(self._parts.settings, spec.allow)
                if each.change == "added":
                    refuse_forbidden(self._parts.settings, spec.urls)
            except (InvalidRequest, Undetected) as error:
                found[each.name] = str(error)
        new = [wanted[name] for name in plan.named("added") if name not in found]
        return found | (await self._silent(new) if look and new else {})

    async def _silent(self, specs: Sequence[SourceSpec]) -> dict[str, str]:
        """What is wrong with the addresses of new sources, as their hosts say."""
        from atlas.worker.robots_parser import parsing_robots
        from starter.source_detection import look_with, web_client

        pool = await self._parts.pool()
        found: dict[str, str] = {}
        turns = asyncio.Semaphore(_LOOKS_AT_ONCE)
        async with (
            parsing_robots() as parse_robots,
            await web_client(self._parts, parse_robots) as web,
        ):

            async def ask(spec: SourceSpec) -> None:
                async with turns:
                    try:
                        await look_with(web, pool, spec)
                    except Undetected as error:
                        found[spec.name] = str(error)

            await asyncio.gather(*map(ask, specs))
        return found


_LOOKS_AT_ONCE = 8
"""New sources whose hosts are asked at once; one host is asked as politely as ever."""


def _refuse_problems(plan: SourcesPlan) -> None:
    said = [f"{each.name}: {each.problem}" for each in plan.sources if each.problem]
    if said:
        raise Undetected("\n".join(["nothing was changed:", *said]))


async def _pages_only_here(connection: Connection, plan: SourcesPlan) -> dict[str, int]:
    from atlas.stores.postgres.services import catalogue

    return {
        name: await catalogue.pages_only_here(connection, name) for name in plan.named("removed")
    }
