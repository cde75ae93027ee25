"""Versions: of Python, the servers, and the other workers."""

from __future__ import annotations

import platform
from importlib.metadata import version

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetSystemInfoRequest
from temporalio.client import Client

from atlas.health.fleet import beats
from atlas.health.probe import ProbeResult, degraded, failing
from atlas.stores.postgres.migrate import known
from atlas.stores.postgres.reporting.probes import probe_connection

POSTGRES_LEAST = 15
POSTGRES_TESTED = 18
RETENTION_DAYS = 3
"""A namespace that deletes closed runs sooner breaks links, and `retry` of an older run."""
_LIVES = 90.0  # seconds: workers of older versions beat each minute

MEND = "See the server's log"
_UPGRADE_TEMPORAL = "Update the Temporal server to 1.29 or newer"


def program() -> ProbeResult:
    """This program."""
    return ProbeResult(
        f"Atlas {version('atlas-corpus')}, schema {known()[-1].name}, temporalio "
        f"{version('temporalio')}, Python {platform.python_version()}"
    )


async def postgresql(database_url: str) -> ProbeResult:
    """The server's version and encoding, and whether it has connections left."""
    async with probe_connection(database_url) as connection:
        row = await connection.fetchrow(
            "select current_setting('server_version') as version, "
            "current_setting('server_version_num')::int / 10000 as major, "
            "current_setting('server_encoding') as encoding, "
            "current_setting('max_connections')::int as most, "
            "(select sum(numbackends) from pg_stat_database) as used"
        )
    assert row is not None
    return judged_postgresql(
        row["version"], row["major"], row["encoding"], row["most"], row["used"]
    )


def judged_postgresql(said: str, major: int, encoding: str, most: int, used: int) -> ProbeResult:
    """What a server's version, encoding, and connections (at most, and used) mean."""
    if major < POSTGRES_LEAST:
        return failing(
            f"PostgreSQL {said} is older than {POSTGRES_LEAST}",
            f"Update PostgreSQL; Atlas is tested on {POSTGRES_TESTED}",
        )
    if encoding != "UTF8":
        return failing(
            f"the database's encoding is {encoding}",
            "Make a database with `encoding 'UTF8'`: this one cannot store texts in other scripts",
        )
    if most - used < 10:
        return degraded(
            f"{used} of {most} connections are used", "Raise max_connections, or run fewer workers"
        )
    return ProbeResult(f"PostgreSQL {said}, {used} of {most} connections used")


async def temporal(client: Client) -> ProbeResult:
    """The server's version, what it can do of what Atlas uses, and how long runs stay."""
    service = client.workflow_service
    info = await service.get_system_info(GetSystemInfoRequest())
    space = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    able = space.namespace_info.capabilities
    can = {
        "schedules": info.capabilities.supports_schedules,
        "updates": able.sync_update and able.async_update,
        "worker heartbeats": able.worker_heartbeats,
    }
    kept = space.config.workflow_execution_retention_ttl.ToTimedelta().days
    return judged_temporal(info.server_version, can, kept)


def judged_temporal(said: str, can: dict[str, bool], kept_days: int) -> ProbeResult:
    """What a server's version, abilities, and days of retention mean."""
    cannot = [name for name, able in can.items() if not able]
    if "schedules" in cannot or "updates" in cannot:
        return failing(f"Temporal {said} has no {' and no '.join(cannot)}", _UPGRADE_TEMPORAL)
    if cannot:
        return degraded(
            f"Temporal {said} has no worker heartbeats: `atlas top` shows less about workers",
            _UPGRADE_TEMPORAL,
        )
    if kept_days < RETENTION_DAYS:
        return degraded(
            f"Temporal {said}; the namespace deletes closed runs after {kept_days} days",
            "`temporal operator namespace update --retention 30d --namespace …`",
        )
    return ProbeResult(f"Temporal {said}, runs are kept for {kept_days} days")


async def workers(client: Client, now: float) -> ProbeResult:
    """Whether workers run another version than this program; `now`: seconds since the epoch."""
    told = await beats(client)
    if told is None:
        return ProbeResult("the server does not list workers")
    live = [each for each in told if not each.stopping and now - each.at.timestamp() < _LIVES]
    return judged_workers({each.process: each.version for each in live})


def judged_workers(versions: dict[str, str]) -> ProbeResult:
    """What the versions of living workers mean, by process."""
    ours = f"atlas-{version('atlas-corpus')}"
    others = sorted({each for each in versions.values() if each != ours})
    if not versions:
        return ProbeResult("no worker has reported its version recently")
    if others:
        return degraded(
            f"workers run {', '.join(others)}; this is {ours}",
            "Update both to the same version; during a deploy, do nothing",
        )
    return ProbeResult(f"{len(versions)} worker{'s' if len(versions) > 1 else ''}, all {ours}")
