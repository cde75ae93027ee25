"""`atlas doctor`: every part examined from this process, outside Temporal, whatever is down; and
fixes that need no decision (`--fix`).

Parts are examined concurrently, each within a time limit (`atlas.health.probe`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from atlas.contracts.health import Check
from atlas.embedded.endpoints import external_temporal
from atlas.embedded.stack_record import supervisor_of
from atlas.health.configuration import MEND, doubtful, refused
from atlas.settings import Settings, SettingsError
from atlas.settings.report import report
from atlas.stores.postgres.connection import shown
from starter.connection import Parts
from starter.errors import AtlasError
from starter.migration import migrate_database
from starter.schedules import Schedules

if TYPE_CHECKING:
    from temporalio.client import Client


Clock: TypeAlias = Callable[[], datetime]

GROUPS = {
    "settings": ("settings", "proxy"),
    "connections": ("stack", "temporal", "postgresql", "blobs"),
    "permissions": ("folders", "database role", "namespace"),
    "versions": ("atlas", "postgresql version", "temporal version", "worker versions"),
    "corpus": ("index", "sources", "freshness", "index_lag", "quarantine", "deletions", "audit"),
    "work": ("queue", "schedules"),
    "machine": ("disk", "browser"),
    "network": ("fetch proxy", "alert webhook", "traces", "metrics", "web"),
}
"""What is examined, in the order in which to fix it; `queue` and `freshness` stand for each
of them."""

_OF_TEMPORAL = ("temporal", "queues", "schedules")
_OF_DATABASE = ("postgresql", "index", "sources", "pages")
_OF_MACHINE = ("blobs", "disk", "browser")
_CONNECTING = 12.0
"""Seconds after which Temporal counts as down."""
_COLLECTORS = {
    "traces": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    "metrics": ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",),
}


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of one part."""

    group: str
    """`settings`, `connections`, `permissions`, `versions`, `corpus`, `work`, `machine`, `network`
    or `others`."""
    check: Check = field(metadata={"json": ""})


def _now() -> datetime:
    return datetime.now(UTC)


async def examine(url: str | None = None, *, clock: Clock = _now) -> list[Examined]:
    """The state of each part, in the order in which to fix it.

    `url`: also fetch it, as a worker would. Never raises because of what it finds.
    """
    known = report()
    found = [*refused(known), *doubtful(known)]
    if known.ok:
        try:
            parts = Parts(Settings.load())
        except (SettingsError, AtlasError) as error:
            found.append(Check(part="settings", status="failing", detail=str(error), mend=MEND))
        else:
            settings = Check(part="settings", detail=_where(parts))
            found = [settings, *found, *await _parts(parts, url, clock)]
    from atlas.health.versions import program

    return _in_order([*found, Check(part="atlas", detail=program().detail)])


async def _parts(parts: Parts, url: str | None, clock: Clock) -> list[Check]:
    looks = [
        _of_temporal(parts, clock),
        _of_database(parts, clock),
        _of_machine(parts, clock),
        _outside(parts, url, clock),
    ]
    try:
        looked = await asyncio.gather(*looks)
    finally:
        await parts.close()
    return [*_stack(parts), *(check for checks in looked for check in checks)]


def _in_order(checks: list[Check]) -> list[Examined]:
    places = [(group, part) for group, parts in GROUPS.items() for part in parts]
    names = [part for _, part in places]

    def place(check: Check) -> int:
        # Of parts that there are several of: `queue atlas`, `freshness docs`.
        name = check.part.split(" ")[0] if check.part not in names else check.part
        return names.index(name) if name in names else len(names)

    places.append(("others", ""))
    return [Examined(places[place(each)][0], each) for each in sorted(checks, key=place)]


async def _of_temporal(parts: Parts, clock: Clock) -> list[Check]:
    from atlas.health import permissions, versions
    from atlas.health.probe import looked_at
    from atlas.health.temporal import MEND as DOWN

    try:
        async with asyncio.timeout(_CONNECTING), parts.temporal() as client:
            pass
    except (AtlasError, TimeoutError) as error:
        said = str(error) or f"Temporal gave no answer in {_CONNECTING:.0f} s"
        return [Check(part="temporal", status="failing", detail=said, mend=DOWN)]
    looks = [
        looked_at("namespace", permissions.namespace(client), mend=DOWN),
        looked_at("temporal version", versions.temporal(client), mend=DOWN),
        looked_at("worker versions", versions.workers(client, clock().timestamp()), mend=DOWN),
    ]
    asked = _concerns(parts, client, clock, _OF_TEMPORAL)
    others, concerns = await asyncio.gather(asyncio.gather(*looks), asked)
    return [*concerns, *others]


async def _of_database(parts: Parts, clock: Clock) -> list[Check]:
    """That PostgreSQL does not answer is reported once, not for each of its parts."""
    from atlas.health import database, permissions, versions
    from atlas.health.catalogue import known

    concerns = asyncio.ensure_future(_concerns(parts, None, clock, _OF_DATABASE))
    if parts.locations.database_url is None:
        return await concerns
    url = parts.locations.database_url
    version = known("postgresql version", versions.postgresql(url), database.MEND)
    role = known("database role", permissions.database(url), permissions.MEND)
    checked = await asyncio.gather(version, role)
    return [*await concerns, *(check for each in checked for check in each.checks)]


async def _of_machine(parts: Parts, clock: Clock) -> list[Check]:
    from atlas.health import blobs, permissions
    from atlas.health.probe import looked_at

    folders = permissions.folders(parts.settings.folders)
    allowed, concerns = await asyncio.gather(
        looked_at("folders", folders, mend=blobs.MEND), _concerns(parts, None, clock, _OF_MACHINE)
    )
    return [*concerns, allowed]


async def _outside(parts: Parts, url: str | None, clock: Clock) -> list[Check]:
    """The services outside that the settings name, and the page."""
    from atlas.health import network
    from atlas.health.probe import looked_at

    looks = [
        looked_at(part, network.reached(name, where, clock()), mend=network.MEND)
        for part, name, where in _named_outside(parts.settings)
    ]
    if url is not None:
        from starter.reachability import MEND as UNREACHED
        from starter.reachability import reached

        looks.append(looked_at("web", reached(parts.settings, url, clock), mend=UNREACHED))
    looked, proxy = await asyncio.gather(
        asyncio.gather(*looks), _concerns(parts, None, clock, ("proxy",))
    )
    return [*proxy, *looked]


def _named_outside(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Part, variable and URL of each."""
    if settings.monitoring.alert_webhook is not None:
        yield (
            "alert webhook",
            "ATLAS_ALERT_WEBHOOK",
            settings.monitoring.alert_webhook.get_secret_value(),
        )
    for part, variables in _COLLECTORS.items():
        named = next((name for name in variables if os.environ.get(name)), None)
        if named is not None:
            yield part, named, os.environ[named]


async def _concerns(
    parts: Parts, client: Client | None, clock: Clock, names: Sequence[str]
) -> list[Check]:
    from atlas.health.catalogue import Concerns

    concerns = Concerns(
        database_url=parts.locations.require_database,
        client=client,
        blob_location=parts.locations.blobs,
        s3=parts.locations.s3,
        folders=parts.settings.folders,
        clock=clock,
        settings=parts.settings,
    )
    looked = await asyncio.gather(*(concerns.check(name, {}) for name in names))
    return [check for one in looked for check in one.checks]


def _where(parts: Parts) -> str:
    database = parts.locations.database_url
    known = {
        "home": str(parts.settings.places.home),
        "PostgreSQL": shown(database) if database else "no address",
        "Temporal": external_temporal() or parts.locations.temporal_address or "no address",
        "namespace": parts.locations.namespace,
        "blobs": parts.locations.blobs,
    }
    return ", ".join(f"{name} {value}" for name, value in known.items())


def _stack(parts: Parts) -> list[Check]:
    """The embedded stack, where a part of it is needed."""
    if parts.settings.places.database_url is not None and external_temporal() is not None:
        return []
    home = parts.settings.places.home
    if supervisor_of(home) is not None:
        return [Check(part="stack", detail=f"runs in {home}")]
    never = "" if home.exists() else ", which does not exist yet"
    detail = f"nothing runs in {home}{never}"
    mend = "Run `atlas up -d`, or set ATLAS_DATABASE_URL and TEMPORAL_ADDRESS"
    return [Check(part="stack", status="failing", detail=detail, mend=mend)]


# Fixes


async def repair() -> AsyncIterator[str]:
    """Bring the schema up to date, register missing search attributes, apply the declared
    schedules. Yields a sentence for each: what was done, or why it could not be.

    Deletes nothing, changes no setting, and starts no server. Never raises.
    """
    try:
        parts = Parts(Settings.load())
    except (SettingsError, AtlasError) as error:
        yield f"Nothing is fixed while settings are wrong: {error}"
        return
    steps: Sequence[tuple[str, Callable[[Parts], Awaitable[str]]]] = (
        ("the schema", _schema),
        ("search attributes", _search_attributes),
        ("schedules", _schedules),
    )
    try:
        for name, step in steps:
            try:
                said = await step(parts)
            except AtlasError as error:
                said = f"Cannot fix {name}: {error}"
            if said:
                yield said
    finally:
        await parts.close()


async def _schema(parts: Parts) -> str:
    applied = await migrate_database(parts.settings)
    return f"Migrated the database: {', '.join(applied)}" if applied else ""


async def _search_attributes(parts: Parts) -> str:
    from atlas.health.start_checks import register_search_attributes

    async with parts.temporal() as client:
        added = await register_search_attributes(client)
    return f"Registered the search attributes {', '.join(added)}" if added else ""


async def _schedules(parts: Parts) -> str:
    changes = [each for each in await Schedules(parts).apply() if each.did != "unchanged"]
    return ", ".join(f"{each.did} schedule {each.id}" for each in changes).capitalize()
