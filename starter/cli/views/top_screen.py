"""One frame of `atlas top`: its sections, with as many rows as fit the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from starter.cli.framework.columns import GAP, widths
from starter.cli.framework.durations import about
from starter.cli.framework.output import Columns, one_line
from starter.cli.views import overview as words

if TYPE_CHECKING:
    from datetime import datetime

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
"""Width of a frame without a terminal."""
_STYLES = {
    "running": "green",
    "draining": "yellow",
    "lost": "bold red",
    "stale": "bold red",
    "due": "yellow",
    "paused": "dim",
    "pushed": "dim",
    "missing": "bold red",
    "open": "bold red",
    "half open": "yellow",
    "throttled": "yellow",
}
_RIGHT = frozenset({"WAITING", "OLDEST", "UNDER WAY", "WORKERS", "IN/s", "OUT/s", "DONE", "SPEED"})
_TEXTS = frozenset({"WORKER", "BUSY WITH", "QUEUE", "RUN", "STAGE", "HOST", "LAST ERROR", "SOURCE"})
_TEXTS |= {"SCHEDULE", "PROMISE", "WHEN"}
_LEAST = 8
"""Minimum width of a text column."""


@dataclass(frozen=True)
class Section:
    """A table of the frame, most important rows first; `least` are shown on the smallest screen."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    least: int
    empty: str


def printed(seen: Overview) -> None:
    """Print the whole frame, however long."""
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _WIDE
    console = Console(width=width, highlight=False)
    console.print(frame(seen, console.width))


def frame(seen: Overview, width: int, height: int | None = None, told: str = "") -> Group:
    """The frame for a screen of that size (height None: as long as it takes); `told` is the last
    line."""
    lines: list[RenderableType] = [Text(_title(seen), style="bold", no_wrap=True)]
    lines += [_cut(f"! {why}", "red", width) for why in words.why_untold(seen.untold)][:2]
    if not seen.heartbeats:
        lines.append(
            _cut("! no heartbeats from this server: workers are known by their polls", "", width)
        )
    if seen.index is not None and (seen.index.trouble or not seen.index.written):
        lines.append(_cut(f"! index: {words.index_words(seen.index)}", "red", width))
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
    if seen.index is not None and seen.index.documents_behind:
        said.append(f"index: {seen.index.documents_behind} behind")
    return " · ".join(said)


def _cut(text: str, style: str, width: int) -> Text:
    line = Text(one_line(text), style=style, no_wrap=True)
    line.truncate(width, overflow="ellipsis")
    return line


def _shares(sections: Sequence[Section], room: int | None) -> list[int]:
    """How many rows each section gets; -1: not even headings. First each gets its minimum, then
    the rest is dealt out one by one."""
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
    if hidden > 0 and rows > 1:  # a single row says more than the number of hidden ones
        shown[-1:] = [(f"… {hidden + 1} more",)]
    for row in shown:
        table.add_row(*(_cell(cell) for cell in row[: len(found)]))
    if not section.rows:
        table.add_row(Text(section.empty, style="dim"))
    return table


def _widths(section: Section, width: int) -> list[int]:
    """The widths of the columns that fit, from the left. Text columns shrink; words and numbers
    stay whole."""
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
    def ago(moment: datetime | None) -> str:
        return words.ago(moment, seen.at) if moment else ""

    runs: Columns[RunSeen] = {
        "RUN": lambda run: (
            run.workflow_id if run.type in run.workflow_id else f"{run.type} {run.workflow_id}"
        ),
        "STAGE": words.stage,
        "DONE": _done,
        "SPEED": words.speed,
        "SINCE": lambda run: about(seen.at - (run.paused_since or run.started_at)),
    }
    sources: Columns[SourceSeen] = {
        "SOURCE": lambda one: one.name,
        "STATE": words.mark,
        "LAST SUCCESS": lambda one: words.ago(one.last_success, seen.at),
        "DUE": lambda one: ago(one.due),
        "LATE": lambda one: about(one.late) if one.late else "",
        "PROMISE": words.promise,
    }
    schedules: Columns[ScheduleSeen] = {
        "SCHEDULE": lambda one: one.id,
        "STATE": lambda one: one.state,
        "NEXT": lambda one: ago(one.next),
        "LAST": lambda one: ago(one.last),
        "WHEN": lambda one: one.note or one.rhythm,
    }
    return [
        _section(seen.workers, _WORKERS, 3),
        _section(seen.queues, _QUEUES, 3),
        _section(_by_need(seen.runs), runs, 4),
        _section(seen.hosts, _HOSTS, 2),
        _section(seen.sources, sources, 2),
        _section(seen.schedules, schedules, 1),
    ]


def _section(items: Sequence[T] | None, columns: Columns[T], least: int) -> Section:
    rows = [tuple(str(cell(each)) for cell in columns.values()) for each in items or ()]
    return Section(tuple(columns), rows, least, "not known" if items is None else "none")


def _by_need(runs: Sequence[RunSeen] | None) -> list[RunSeen] | None:
    """Runs that keep failing first, then active ones, oldest first, then paused ones."""
    if runs is None:
        return None
    return sorted(runs, key=lambda run: (run.attempt <= 2, run.paused_since is not None))


def _busy(one: WorkerSeen) -> str:
    return " · ".join(f"{slot.queue.removeprefix('atlas-')} {_used(slot)}" for slot in one.slots)


def _used(slot: SlotsSeen) -> str:
    """Tasks in progress, out of the number of slots if that is fixed."""
    if slot.activities is None:
        return "?"
    used = slot.activities + (slot.workflows or 0)
    return f"{used}" if slot.free is None else f"{used}/{used + slot.free}"


def _done(run: RunSeen) -> str:
    done = f"{words.how_far(run)} {run.of if run.of != 'pages' else ''}".strip()
    return done + (f" ({run.failed} failed)" if run.failed else "")


_WORKERS: Columns[WorkerSeen] = {
    "WORKER": lambda one: one.identity,
    "STATE": lambda one: one.state,
    "BUSY WITH": _busy,
    "HEARD": lambda one: about(one.heard),
    "VERSION": lambda one: one.version.removeprefix("atlas-"),
}
_QUEUES: Columns[QueueSeen] = {
    "QUEUE": lambda one: one.name,
    "WAITING": lambda one: one.backlog,
    "OLDEST": lambda one: about(one.oldest) if one.backlog else "",
    "UNDER WAY": lambda one: "" if one.in_flight is None else one.in_flight,
    "WORKERS": lambda one: one.workers or "missing",
    "IN/s": lambda one: f"{one.added:.3g}",
    "OUT/s": lambda one: f"{one.dispatched:.3g}",
}
_HOSTS: Columns[HostSeen] = {
    "HOST": lambda host: host.host,
    "BREAKER": words.breaker,
    "DELAY": words.limit,
    "UNDER WAY": lambda host: host.in_flight,
    "LAST ERROR": lambda host: host.last_error or "",
}
