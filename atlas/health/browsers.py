"""Browsers: the one of this machine, and whether sources that have pages rendered find a worker."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import Client

from atlas.contracts.names import QUEUE_RENDERING
from atlas.health.probe import ProbeResult, Unwell, degraded
from atlas.health.queues import whole_state
from atlas.settings import Settings
from atlas.stores.postgres.reporting.probes import probe_connection

PART = "browser"
MEND = "Correct ATLAS_BROWSER and ATLAS_BROWSER_SANDBOX, and restart the worker: docs/rendering.md"
QUEUE_PART = f"queue {QUEUE_RENDERING}"
QUEUE_MEND = (
    f"Set ATLAS_BROWSER for a worker that serves {QUEUE_RENDERING}, or `--render never` for the "
    "sources"
)
_OLDEST = timedelta(minutes=30)


async def browser(settings: Settings) -> ProbeResult:
    """Start it, and let it say its version. Raises `Unwell`."""
    from atlas.web.browser.chromium import version  # only where there is one
    from atlas.web.browser.devtools import BrowserLost
    from atlas.web.client_factory import browser_program

    program = browser_program(settings)
    assert program is not None, "asked for only where the setting has one"
    if fault := program.fault():
        raise Unwell(fault, MEND)
    try:
        found = await version(program)
    except BrowserLost as lost:
        raise Unwell(f"{program.path} does not start: {lost}", MEND) from None
    sandbox = "" if program.sandbox else ", without a sandbox (ATLAS_BROWSER_SANDBOX)"
    return ProbeResult(f"{program.path} starts: {found}{sandbox}")


async def wanted(database_url: str) -> list[str]:
    """Names of the sources whose pages are rendered, and that are not paused."""
    async with probe_connection(database_url) as connection:
        rows = await connection.fetch(
            "select name from sources where render <> 'never' and not paused order by name"
        )
    return [row["name"] for row in rows]


async def rendering_queue(client: Client, sources: list[str]) -> ProbeResult:
    """Whether a worker with a browser polls the queue, for the sources that want it."""
    state = await whole_state(client, QUEUE_RENDERING)
    if not state.pollers:
        named = ", ".join(sources[:3]) + (", …" if len(sources) > 3 else "")
        return degraded(f"no worker has a browser; {named}: pages are to be rendered", QUEUE_MEND)
    said = f"{state.pollers} polling, {state.backlog} waiting"
    if state.oldest > _OLDEST and state.backlog:
        minutes = state.oldest.total_seconds() / 60
        return degraded(f"{said}, the oldest for {minutes:.0f} min", QUEUE_MEND)
    return ProbeResult(said)
