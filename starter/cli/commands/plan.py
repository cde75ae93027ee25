"""`atlas plan` and `atlas apply`: see what a file of sources would change, then change it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from starter.cli.framework.agreement import agreed
from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import CHANGES, DONE, FAILED
from starter.cli.framework.output import Format, emit, merged, note, say
from starter.cli.views.plans import applied_lines, plan_lines

File = Annotated[
    Path, Parameter(name=["--file", "-f"], help="The file of sources; - reads standard input")
]
_STDIN = Path("-")


async def plan(
    *,
    file: File,
    prune: Annotated[
        bool, Parameter(help="Also remove declared sources that the file does not name")
    ] = False,
    save: Annotated[
        Path | None, Parameter(help="Write the plan to this file, for `atlas apply --plan`")
    ] = None,
    sample: Annotated[
        int, Parameter(help="Pages of each source, never asked for before, to fetch for their size")
    ] = 10,
    offline: Annotated[
        bool, Parameter(help="Ask no host; what cannot be known then is unknown")
    ] = False,
    output: Format = "text",
) -> int:
    """Show what a file of sources would change, rule by rule, and what the next whole sync of each
    changed source takes: requests, bytes, and hours at the declared pace. Nothing is changed.

    Hosts of new sources are asked whether they answer; of a feed or sitemap up to 20 files are
    read. Exit code 0 if there is nothing to change, 6 if there is.

    Examples:
        atlas plan -f sources.yaml
        atlas plan -f sources.yaml --prune --save plan.json
    """
    text = _read(file)
    async with connected() as atlas:
        found = await atlas.source_files.plan(
            text, file=str(file), prune=prune, look=not offline, sample=sample
        )
    if save is not None:
        _write(save, found)
    if output != "text":
        emit("sources_plan", found, output=output)
    else:
        for line in plan_lines(found):
            say(line)
    return CHANGES if found.changes else DONE


async def apply(
    *,
    file: File,
    plan: Annotated[
        Path | None, Parameter(help="A saved plan: do just what it says, or nothing")
    ] = None,
    prune: Annotated[
        bool, Parameter(help="Also remove declared sources that the file does not name")
    ] = False,
    yes: Annotated[
        bool, Parameter(name=["--yes", "-y"], help="Do not ask before sources are removed")
    ] = False,
    force: Annotated[
        bool, Parameter(help="Declare new sources even if their hosts do not answer")
    ] = False,
    output: Format = "text",
) -> int:
    """Make the declared sources those of a file: all of it, or nothing if anything is wrong.
    Applied again, it changes nothing. Sources that the file does not name stay, unless --prune.

    With --plan, what was planned is done, or nothing: if the declared sources or the file have
    moved since, the differences are named.

    Examples:
        atlas apply -f sources.yaml
        atlas apply -f sources.yaml --plan plan.json --yes
    """
    from starter.errors import InvalidRequest
    from starter.source_files.plan import read_plan

    if plan is not None and prune:
        raise InvalidRequest("prune: the plan says whether to; leave --prune out")
    text = _read(file)
    saved = None if plan is None else read_plan(_read(plan), str(plan))
    async with connected() as atlas:
        found = saved or await atlas.source_files.plan(
            text, file=str(file), prune=prune, look=not force, costs=False
        )
        going = found.named("removed")
        if going and not yes and not _agrees(going):
            note("nothing was changed")
            return FAILED
        done = await atlas.source_files.apply(text, file=str(file), plan=found, force=force)
    if output != "text":
        emit("sources_applied", done, output=output)
        return DONE
    for line in applied_lines(done):
        say(line)
    return DONE


def _agrees(going: tuple[str, ...]) -> bool:
    note(f"to be removed: {', '.join(going)}; their pages stay searchable")
    return agreed("Remove them?", "or leave --prune out to keep them")


def _read(file: Path) -> str:
    from starter.errors import InvalidRequest

    try:
        if file == _STDIN:
            return sys.stdin.read()
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"file: cannot read {file}: {error}") from None


def _write(file: Path, found: object) -> None:
    import json

    from starter.errors import InvalidRequest
    from starter.source_files.plan import PLAN_SCHEMA

    text = json.dumps({"schema": PLAN_SCHEMA, **merged(found)}, indent=2)
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"save: cannot write {file}: {error}") from None
