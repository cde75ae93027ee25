"""`atlas start`: start a workflow of any type by name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, pairs
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of
from starter.cli.views.runs import with_times

if TYPE_CHECKING:
    from pydantic import BaseModel

    from starter.client import AtlasClient


async def start(
    workflow: Annotated[str, Parameter(help="A workflow type; `atlas schema` lists them")],
    request: Annotated[
        str, Parameter(help="Its input as JSON, @FILE, or - for standard input")
    ] = "{}",
    /,
    *,
    workflow_id: Annotated[str | None, Parameter(name="--id", help="Your own workflow id")] = None,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Start a workflow, or join a run in progress with the same request.

    With --wait, exit code 0 when it is done, even if some documents failed, and 1 when it failed.

    Examples:
        atlas start sync_pipeline '{"sources": ["docs"]}' --wait
        atlas start daily_cleanup '{"dry_run": true}'
        atlas start batch_process @request.json --id nightly
    """
    from starter.runs.start import kind_named

    fields = _fields(request)
    if "trigger" in kind_named(workflow).request.model_fields:
        fields.setdefault("trigger", "cli")
    async with connected() as atlas:
        if not following.waits:
            await _expect_sources(atlas, workflow, fields)
        run = await atlas.start(workflow, workflow_id=workflow_id, **fields)
        return await followed(run, workflow, following=following, output=output)


async def _expect_sources(atlas: AtlasClient, workflow: str, fields: dict[str, Any]) -> None:
    """Refuse now what a run would refuse later, when nobody is watching."""
    from starter.runs.start import checked, kind_named

    if workflow not in ("sync_pipeline", "collect_from_source", "collect_all_sources"):
        return
    asked = checked(kind_named(workflow).request, fields).model_dump()
    names = asked.get("sources", [asked.get("source")])
    tags = asked.get("tags", ())
    await atlas.sources.expect(
        *names, tags=tags, all=asked.get("all", not (names or tags)) and not asked.get("due")
    )


def _fields(request: str) -> dict[str, Any]:
    from starter.errors import InvalidRequest

    try:
        if request == "-":
            request = sys.stdin.read()
        elif request.startswith("@"):
            request = Path(request[1:]).read_text(encoding="utf-8")
        fields = json.loads(request)
    except (OSError, ValueError) as error:
        raise InvalidRequest(
            f"request: {request[:100]!r} cannot be read as JSON: {error}; "
            'give an object such as \'{"sources": ["docs"]}\', or @FILE'
        ) from None
    if not isinstance(fields, dict):
        raise InvalidRequest(f"request: {request[:100]!r} is not a JSON object")
    return fields


def _is_fine(result: BaseModel) -> bool:
    ended = getattr(result, "outcome", None) or getattr(result, "status", "completed")
    return ended in ("completed", "completed_with_failures", "no_data", "ok")


def _print(result: BaseModel) -> None:
    pairs(with_times(result.model_dump(mode="json")))


ENDING = Ending(_print, _is_fine, stage_of)
