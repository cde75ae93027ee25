"""What both demos tell: where the stack runs, how a run went."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from atlas.contracts.sync_pipeline import SyncResult
from atlas.embedded.stack_status import inspect
from starter.cli.commands.sync import described
from starter.cli.framework.output import note
from starter.cli.framework.progress import Display
from starter.client import AtlasClient
from starter.demo.story import Story
from starter.runs.kinds import SyncHandle

Finale = Callable[[Sequence[str]], Awaitable[None]]
"""What follows the last step, given the links to the runs."""


async def tell_stack(story: Story, home: Path, said: list[str]) -> None:
    """Where everything runs, and what had to give way (a port that was taken)."""
    found = await inspect(home)
    for part in found.parts:
        what = {
            "postgres": "by a socket only; the corpus and its index",
            "temporal": f"at {part.address}; carries every run",
            "worker": "polls the task queues atlas and atlas-processing",
        }[part.name]
        memory = (part.memory_bytes or 0) / 2**20
        story.row(part.name, f"pid {part.pid}, {memory:.0f} MiB, {what}")
    story.row("Web UI", found.ui_url or "none")
    story.row("home", f"{home} holds all state")
    story.row("memory", f"{found.memory_bytes / 2**20:.0f} MiB in all, shared pages counted once")
    for line in said:
        if "is taken" in line:
            story.say(f"{line}.")
    story.check(found.ready, "PostgreSQL, Temporal and a worker run and answer", found.parts)


async def sync(
    story: Story, atlas: AtlasClient, name: str, *, patient: bool = False
) -> tuple[SyncResult, str | None]:
    """Run `sync_pipeline` to its end; the result, and its link. Shows the progress on a terminal,
    and elsewhere if `patient`."""
    story.command(f"atlas sync {name} --wait")
    run = await atlas.sync(name)
    story.row("Web UI", run.ui_url or "none")
    watching = patient or sys.stderr.isatty()
    result = await (_watched(run) if watching else run.result(note))
    story.counts(result.counts, result.outcome)
    return result, run.ui_url


async def _watched(run: SyncHandle) -> SyncResult:
    display = Display(described)
    watching = asyncio.create_task(display.follow(run))
    try:
        return await run.result(display.note)
    finally:
        watching.cancel()
        display.close()
