"""Which parts of a home's stack run, for `atlas status`."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from atlas.embedded.process_identity import memory_bytes
from atlas.embedded.stack_record import Stack, read_stack, supervisor_of

_ANSWER_SECONDS = 3.0


@dataclass(frozen=True)
class PartStatus:
    """One part of the stack."""

    name: str
    """`postgres`, `temporal` or `worker`."""
    running: bool
    """Whether its process lives and it answers."""
    external: bool = False
    """Whether it is run by somebody else."""
    pid: int | None = None
    address: str = ""
    """Where it answers, without passwords."""
    memory_bytes: int | None = None
    """With its child processes."""
    since: str | None = None
    """When it was started, in ISO 8601 (UTC)."""


@dataclass(frozen=True)
class StackStatus:
    """The whole stack."""

    home: str
    """ATLAS_HOME."""
    ready: bool
    """Whether every part runs and answers; where the servers are external: whether they answer and
    a worker runs."""
    supervisor_pid: int | None
    """Of the process that keeps the parts running."""
    memory_bytes: int
    """Of all parts and the supervisor."""
    ui_url: str | None
    """Temporal's Web UI."""
    parts: list[PartStatus] = field(default_factory=list)


async def inspect(
    home: Path, external_database: str | None = None, external_temporal: str | None = None
) -> StackStatus:
    """Check every part: whether its process lives and whether it answers."""
    stack = read_stack(home) or Stack(home)
    parts = await asyncio.gather(
        _postgres(stack, external_database), _temporal(stack, external_temporal), _worker(stack)
    )
    supervisor = supervisor_of(home)
    own = 0 if supervisor is None else _memory_alone(supervisor.pid, parts)
    return StackStatus(
        home=str(home),
        ready=stack.ready and all(part.running for part in parts),
        supervisor_pid=None if supervisor is None else supervisor.pid,
        memory_bytes=own + sum(part.memory_bytes or 0 for part in parts),
        ui_url=None if external_temporal else stack.ui_url,
        parts=list(parts),
    )


def without_password(url: str) -> str:
    """A database URL that may be shown."""
    split = urlsplit(url)
    if "@" not in split.netloc:
        return url.partition("?")[0] if "password=" in split.query else url
    user, _, place = split.netloc.rpartition("@")
    return urlunsplit(split._replace(netloc=f"{user.partition(':')[0]}@{place}", query=""))


async def _postgres(stack: Stack, external: str | None) -> PartStatus:
    url = external or stack.database_url
    if external is None and _process(stack, "postgres") is None:
        return PartStatus("postgres", running=False, address=stack.database_url or "")
    answers = url is not None and await _connects(url)
    if external is not None:
        shown = without_password(external)
        return PartStatus("postgres", running=answers, external=True, address=shown)
    return _embedded(stack, "postgres", answers)


async def _temporal(stack: Stack, external: str | None) -> PartStatus:
    if external is not None:
        answers = await _listens(external)
        return PartStatus("temporal", running=answers, external=True, address=external)
    if _process(stack, "temporal") is None or stack.temporal_address is None:
        return PartStatus("temporal", running=False, address=stack.temporal_address or "")
    return _embedded(stack, "temporal", await _listens(stack.temporal_address))


async def _worker(stack: Stack) -> PartStatus:
    if _process(stack, "worker") is None:
        return PartStatus("worker", running=False)
    return _embedded(stack, "worker", answers=True)


def _process(stack: Stack, name: str) -> int | None:
    part = stack.parts.get(name)
    return part.pid if part is not None and part.process.alive else None


def _embedded(stack: Stack, name: str, answers: bool) -> PartStatus:
    part = stack.parts[name]
    since = datetime.fromtimestamp(part.since, UTC).isoformat(timespec="seconds")
    memory = memory_bytes(part.pid)
    return PartStatus(name, answers, False, part.pid, part.address, memory, since)


def _memory_alone(supervisor: int, parts: tuple[PartStatus, ...]) -> int:
    """The supervisor's own memory: its descendants are the parts, which count for themselves."""
    whole = memory_bytes(supervisor)
    return max(0, whole - sum(part.memory_bytes or 0 for part in parts))


async def _connects(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=_ANSWER_SECONDS)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError, ValueError):
        return False
    writer.close()
    await writer.wait_closed()
    return True
