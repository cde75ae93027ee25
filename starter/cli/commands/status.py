"""`atlas status`: what is running, waiting or late, for people and monitoring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from starter.cli.framework.durations import about
from starter.cli.framework.exit_codes import CANNOT_CONNECT, DONE, FAILED, STALE
from starter.cli.framework.options import StaleAfter, tolerance
from starter.cli.framework.output import Format, emit, note, say

if TYPE_CHECKING:
    from atlas.embedded.stack_status import PartStatus, StackStatus
    from starter.monitoring.overview import Overview


@dataclass(frozen=True)
class Work:
    """What the stack is doing, in JSON."""

    overview: Overview
    """The rest, as `atlas top -o json` prints it."""


async def status(*, stale_after: StaleAfter = None, output: Format = "text") -> int:
    """Show what is running, waiting or late. Exit code 0: all is well; 1: a part is down, or a task
    queue has no worker; 3: an external server does not answer; 4: a source is stale or misses its
    freshness objective.

    Examples:
        atlas status
        atlas status --stale-after 6h || mail -s "Atlas: exit code $?" ops@example.org
        atlas status -o json | jq '.overview.queues[] | {name, backlog}'
    """
    allowed = tolerance(stale_after)
    from atlas.embedded.endpoints import external_temporal
    from atlas.embedded.stack_status import inspect
    from atlas.settings import Settings
    from starter.client import AtlasClient

    settings = Settings.load()
    found = await inspect(settings.places.home, settings.postgres_url, external_temporal())
    async with AtlasClient.connect(settings) as atlas:
        seen = await atlas.overview(stale_after=allowed)
    found = _with_workers(found, seen)
    if output != "text":
        emit("status", found, Work(seen), output=output)
    else:
        _print(found, seen)
    return _exit(found, seen)


def _with_workers(found: StackStatus, seen: Overview) -> StackStatus:
    """If both servers are external, so are the workers, and nothing is supervised here."""
    if not _is_external(found):
        return found
    working = any(each.state == "running" for each in seen.workers or ())
    parts = [
        replace(part, running=working, external=True) if part.name == "worker" else part
        for part in found.parts
    ]
    return replace(found, parts=parts, ready=all(part.running for part in parts))


def _is_external(found: StackStatus) -> bool:
    servers = [part for part in found.parts if part.name != "worker"]
    return found.supervisor_pid is None and all(part.external for part in servers)


def _exit(found: StackStatus, seen: Overview) -> int:
    silent = any(
        each.external and not each.running for each in found.parts if each.name != "worker"
    )
    if _is_external(found) and silent:
        return CANNOT_CONNECT
    if not found.ready:
        return FAILED
    if seen.untold:
        return CANNOT_CONNECT if any(each.connection for each in seen.untold) else FAILED
    if not all(queue.workers for queue in seen.queues or ()):
        return FAILED
    return STALE if seen.stale or seen.broken else DONE


def _print(found: StackStatus, seen: Overview) -> None:
    from starter.cli.views.overview import in_short, why_untold

    for line in _parts(found):
        say(line)
    if seen.workers is None and seen.sources is None:  # nothing answered: the parts show that
        return
    say("")
    for head, words in in_short(seen):
        say(f"{head:<9} {words}")
    for why in why_untold(seen.untold):
        note(why)


def _parts(found: StackStatus) -> list[str]:
    lines = [_line(part) for part in found.parts]
    state = "ready" if found.ready else "not ready"
    memory = f"  {_mib(found.memory_bytes)} in total" if found.memory_bytes else ""
    lines.append(f"{'home':<9} {state:<9} {found.home}{memory}")
    if found.ui_url and found.ready:
        lines.append(f"{'Web UI':<9} {'':<9} {found.ui_url}")
    if not found.ready:
        lines.append(_fix(found))
    return lines


def _fix(found: StackStatus) -> str:
    if _is_external(found):
        return "Start your own servers that are down, or a worker with `atlas worker`."
    if found.supervisor_pid is None:
        return "Start it with `atlas up -d`."
    return f"It is starting, or a part of it starts again: see {found.home}/logs/atlas.log"


def _line(part: PartStatus) -> str:
    state = "running" if part.running else "down" if part.pid is None else "silent"
    origin = ["external"] if part.external else []
    pid = [f"pid {part.pid}"] if part.pid else []
    memory = [_mib(part.memory_bytes)] if part.memory_bytes else []
    since = [f"for {about(_age(part.since))}"] if part.since else []
    details = [*origin, *pid, *memory, *since, *([part.address] if part.address else [])]
    return f"{part.name:<9} {state:<9} {', '.join(details)}"


def _mib(count: int | None) -> str:
    return f"{(count or 0) / 2**20:.0f} MiB"


def _age(since: str) -> timedelta:
    return max(datetime.now(UTC) - datetime.fromisoformat(since), timedelta(0))
