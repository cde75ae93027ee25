"""`atlas __complete WORDS…`: what a shell can complete a command line with."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from starter.cli import COMMANDS
from starter.cli.framework.client import connected

if TYPE_CHECKING:
    from starter.cli.framework.help_pages import HelpPage, Value
    from starter.client import AtlasClient

Candidates = Iterable[tuple[str, str]]
"""Words to choose from, each with a description."""

_PATIENCE = 3.0
"""Seconds to wait for names from the database, while somebody is typing."""
_RUNS = 10


def answer(words: Sequence[str]) -> int:
    """Print the candidates for the last word, one a line: value, tab, description."""
    current = "" if words[-1:] == ["="] or not words else words[-1]
    before = [word for word in words[:-1] if word != "="]  # bash splits `--output=json`
    for value, told in sorted(candidates(before)):
        if value.startswith(current) and (current.startswith("-") or not value.startswith("-")):
            sys.stdout.write(f"{value}\t{told}\n")
    return 0


def candidates(before: Sequence[str]) -> Candidates:
    """The candidates after these words."""
    if not before:
        return [(name, told) for name, _, told in COMMANDS]
    from starter.cli.framework.app import build
    from starter.cli.framework.help_pages import page_of

    page = page_of(build(), before)
    if page.verbs:
        return page.verbs if list(page.words) == list(before) else []
    if not page.words:
        return []
    rest = list(before[len(page.words) :])
    if rest and (option := _option(page, rest[-1])) and option.value:
        return _values(page, option)
    return [*_of_place(page, rest), *_options(page)]


def _option(page: HelpPage, word: str) -> Value | None:
    return next((each for each in page.options if word in each.names), None)


def _options(page: HelpPage) -> Candidates:
    named = [(name, each.help) for each in page.options for name in each.names]
    return [*named, ("--help", "Show the help of this command")]


def _of_place(page: HelpPage, rest: Sequence[str]) -> Candidates:
    """Values of the next positional argument."""
    given, takes = 0, False
    for word in rest:
        if takes or not word.startswith("-"):
            given += not takes
            takes = False
        else:
            option = _option(page, word)
            takes = bool(option and option.value)
    places = page.arguments
    if given < len(places):
        return _values(page, places[given])
    return _values(page, places[-1]) if places and places[-1].repeated else []


def _values(page: HelpPage, value: Value) -> Candidates:
    if value.choices:
        return [(each, "") for each in value.choices]
    look = _LOOKS.get((" ".join(page.words), value.names[0])) or _LOOKS.get(("", value.names[0]))
    return look() if look else []


def _asked(question: Callable[[AtlasClient], Awaitable[Candidates]]) -> Callable[[], Candidates]:
    """Names from the corpus; none if it does not answer in time."""

    async def ask() -> Candidates:
        async with asyncio.timeout(_PATIENCE), connected() as atlas:
            return await question(atlas)

    def looked() -> Candidates:
        try:
            return asyncio.run(ask())
        except Exception:  # an error message would disturb the prompt
            return []

    return looked


async def _of_sources(atlas: AtlasClient) -> Candidates:
    return [(each.source.spec.name, each.source.spec.kind) for each in await atlas.sources.list()]


async def _of_runs(atlas: AtlasClient) -> Candidates:
    found = [each.run for each in await atlas.runs(limit=_RUNS)]
    names = {run.source: "its latest run" for run in found if run.source}
    runs = {run.run_id: f"{run.workflow_id} {run.outcome or 'running'}" for run in found}
    return [*names.items(), *runs.items()]


async def _of_schedules(atlas: AtlasClient) -> Candidates:
    return [(each.id, each.rhythm) for each in await atlas.schedules.list()]


def _workflows() -> Candidates:
    from atlas.contracts.catalogue import WORKFLOWS

    return [(name, "") for name in WORKFLOWS]


_sources, _runs, _schedules = _asked(_of_sources), _asked(_of_runs), _asked(_of_schedules)

_LOOKS: dict[tuple[str, str], Callable[[], Candidates]] = {
    ("sync", "NAMES"): _sources,
    **{(f"sources {verb}", "NAME"): _sources for verb in ("show", "edit", "pause", "resume")},
    ("sources remove", "NAME"): _sources,
    **{(f"deletions {verb}", "HELD"): _sources for verb in ("approve", "reject")},
    ("", "SOURCE"): _sources,
    ("", "--source"): _sources,
    ("", "RUN"): _runs,
    ("", "--failed-of"): _runs,
    ("", "--run"): _runs,
    ("", "SCHEDULE"): _schedules,
    ("", "WORKFLOW"): _workflows,
    ("schema", "NAME"): _workflows,
}
"""Where the values of an argument or option are found; "" stands for any command."""
