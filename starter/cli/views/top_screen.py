"""One frame of `atlas top`: the sections, as many of their rows as the screen has room for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from starter.cli.framework.columns import GAP, widths
from starter.cli.framework.durations import about
from starter.cli.framework.output import one_line
from starter.cli.views import overview as words

if TYPE_CHECKING:
    from starter.monitoring.overview import (
        HostSeen,
        Overview,
        QueueSeen,
        RunSeen,
        ScheduleSeen,
        SlotsSeen,
        SourceSeen,
        WorkerSeen,
    )

T = TypeVar("T")

_WIDE = 120
"""Columns of a frame that is printed where there is no terminal."""
_STYLES = {
    "running": "green",
    "draining": "yellow",
    "lost": "bold red",
    "stale": "bold red",
    "due": "yellow",
    "paused": "dim",
    "missing": "bold red",
    "open": "bold red",
    "half open": "yellow",
    "throttled": "yellow",
}
_RIGHT = frozenset({"WAITING", "OLDEST", "UNDER WAY", "WORKERS", "IN/s", "OUT/s", "DONE", "SPEED"})
_TEXTS = frozenset({"WORKER", "BUSY WITH", "QUEUE", "RUN", "STAGE", "HOST", "LAST ERROR", "SOURCE"})
_TEXTS |= {"SCHEDULE", "PROMISE", "WHEN"}
_LEAST = 8
"""Columns of the screen that a text keeps."""


@dataclass(frozen=True)
class Section:
    """A table of the frame. Rows are in the order of what matters; `least` of them are shown on
    the smallest screen."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    least: int
    empty: str


def printed(seen: Overview) -> None:
    """The whole frame on stdout, however long."""
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _WIDE
    console = Console(width=width, highlight=False)
    console.print(frame(seen, console.width))


def frame(seen: Overview, width: int, height: int | None = None, told: str = "") -> Group:
    """The frame for a screen of so many columns and lines (None: as many as it takes); `told` is
    what the last line says."""
    lines: list[RenderableType] = [Text(_title(seen), style="bold", no_wrap=True)]
    lines += [_cut(f"! {why}", "red", width) for why in words.why_untold(seen.untold)][:2]
    if not seen.heartbeats:
        lines.append(_cut("! no heartbeats from this server: workers by their polls", "", width))
    last = [_cut(told, "dim", width)] if told else []
    sections = _sections(seen)
    room = None if height is None else height - len(lines) - len(last)
    for section, rows in zip(sections, _shares(sections, room), strict=True):
        if rows >= 0:
            lines.append(_table(section, rows, width))
    return Group(*lines, *last)


def _title(seen: Overview) -> str:
    runs = "?" if seen.runs_total is None else seen.runs_total
    stale = len(seen.stale)
    said = [f"atlas top  {seen.at.astimezone():%H:%M:%S}", f"runs: {runs}"]
    said += [f"stale sources: {stale}"] if stale else []
    return " · ".join(said)


def _cut(text: str, style: str, width: int) -> Text:
    line = Text(one_line(text), style=style, no_wrap=True)
    line.truncate(width, overflow="ellipsis")
    return line


def _shares(sections: Sequence[Section], room: int | None) -> list[int]:
    """How many rows each section gets; -1: not even its heads. First each its least, in turn,
    then what is left, one by one."""
    wanted = [max(1, len(section.rows)) for section in sections]
    if room is None:
        return wanted
    shares = [-1] * len(sections)
    for index, section in enumerate(sections):
        least = min(wanted[index], section.least)
        if room >= 2:
            shares[index] = min(least, room - 1)
            room -= shares[index] + 1
    while room > 0:
        short = [i for i, share in enumerate(shares) if 0 <= share < wanted[i]]
        if not short:
            break
        for index in short[:room]:
            shares[index] += 1
        room -= len(short[:room])
    return shares


def _table(section: Section, rows: int, width: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    found = _widths(section, width)
    for head, wide in zip(section.heads, found, strict=False):
        justify: Literal["right", "left"] = "right" if head in _RIGHT else "left"
        table.add_column(head, no_wrap=True, overflow="ellipsis", justify=justify, width=wide)
    shown = list(section.rows[:rows])
    hidden = len(section.rows) - rows
    if hidden > 0 and rows > 1:  # a single row is worth more than the number of the others
        shown[-1:] = [(f"… {hidden + 1} more",)]
    for row in shown:
        table.add_row(*(_cell(cell) for cell in row[: len(found)]))
    if not section.rows:
        table.add_row(Text(section.empty, style="dim"))
    return table


def _widths(section: Section, width: int) -> list[int]:
    """The widths of the columns that fit, from the left. Texts give way, what a column of words or
    numbers says stays whole."""
    rows = section.rows or [(section.empty, *[""] * (len(section.heads) - 1))]
    columns = list(zip(section.heads, *rows, strict=True))
    wanted = [max(map(cell_len, column)) for column in columns]
    least = [
        min(wide, _LEAST) if head in _TEXTS else wide
        for head, wide in zip(section.heads, wanted, strict=True)
    ]
    while len(least) > 1 and sum(least) + GAP * (len(least) - 1) > width:
        least.pop()
    return widths(wanted[: len(least)], least, width)


def _cell(text: str) -> Text:
    text = one_line(text)
    style = next((_STYLES[word] for word in _STYLES if text.startswith(word)), "")
    return Text(text, style="bold red" if ", try " in text else style)


def _sections(seen: Overview) -> list[Section]:
    return [
        _section(seen.workers, _worker, ("WORKER", "STATE", "BUSY WITH", "HEARD", "VERSION"), 3),
        _section(
            seen.queues,
            _queue,
            ("QUEUE", "WAITING", "OLDEST", "UNDER WAY", "WORKERS", "IN/s", "OUT/s"),
            3,
        ),
        _section(
            _by_need(seen.runs),
            lambda run: _run(seen, run),
            ("RUN", "STAGE", "DONE", "SPEED", "SINCE"),
            4,
        ),
        _section(seen.hosts, _host, ("HOST", "BREAKER", "DELAY", "UNDER WAY", "LAST ERROR"), 2),
        _section(
            seen.sources,
            lambda one: _source(seen, one),
            ("SOURCE", "STATE", "LAST SUCCESS", "DUE", "LATE", "PROMISE"),
            2,
        ),
        _section(
            seen.schedules,
            lambda one: _schedule(seen, one),
            ("SCHEDULE", "STATE", "NEXT", "LAST", "WHEN"),
            1,
        ),
    ]


def _section(
    items: Sequence[T] | None,
    row: Callable[[T], tuple[str, ...]],
    heads: tuple[str, ...],
    least: int,
) -> Section:
    if items is None:
        return Section(heads, (), least, "not known")
    return Section(heads, [row(each) for each in items], least, "none")


def _by_need(runs: Sequence[RunSeen] | None) -> list[RunSeen] | None:
    """What keeps failing first, then what is at work, the oldest first, then what is paused."""
    if runs is None:
        return None
    return sorted(runs, key=lambda run: (run.attempt <= 2, run.paused_since is not None))


def _worker(one: WorkerSeen) -> tuple[str, ...]:
    slots = " · ".join(f"{_short(slot.queue)} {_carried(slot)}" for slot in one.slots)
    version = one.version.removeprefix("atlas-")
    return one.identity, one.state, slots, about(one.heard), version


def _short(queue: str) -> str:
    return queue.removeprefix("atlas-")


def _carried(slot: SlotsSeen) -> str:
    """Tasks under way, and how many more it would take where that is a number."""
    if slot.activities is None:
        return "?"
    used = slot.activities + (slot.workflows or 0)
    return f"{used}" if slot.free is None else f"{used}/{used + slot.free}"


def _queue(one: QueueSeen) -> tuple[str, ...]:
    return (
        one.name,
        str(one.backlog),
        about(one.oldest) if one.backlog else "",
        "" if one.in_flight is None else str(one.in_flight),
        str(one.workers) if one.workers else "missing",
        f"{one.added:.3g}",
        f"{one.dispatched:.3g}",
    )


def _run(seen: Overview, run: RunSeen) -> tuple[str, ...]:
    what = run.workflow_id if run.type in run.workflow_id else f"{run.type} {run.workflow_id}"
    done = f"{words.how_far(run)} {run.of if run.of != 'pages' else ''}".strip()
    failed = f" ({run.failed} failed)" if run.failed else ""
    since = about(seen.at - (run.paused_since or run.started_at))
    return what, words.stage(run), done + failed, words.speed(run), since


def _host(host: HostSeen) -> tuple[str, ...]:
    return (
        host.host,
        words.breaker(host),
        words.limit(host),
        str(host.in_flight),
        host.last_error or "",
    )


def _source(seen: Overview, one: SourceSeen) -> tuple[str, ...]:
    return (
        one.name,
        words.mark(one),
        words.ago(one.last_success, seen.at),
        words.ago(one.due, seen.at) if one.due else "",
        about(one.late) if one.late else "",
        words.promise(one),
    )


def _schedule(seen: Overview, one: ScheduleSeen) -> tuple[str, ...]:
    return (
        one.id,
        one.state,
        words.ago(one.next, seen.at) if one.next else "",
        words.ago(one.last, seen.at) if one.last else "",
        one.note or one.rhythm,
    )
