"""How the demo is told: numbered steps, what holds and what does not, on stdout."""

from __future__ import annotations

import sys
import textwrap
import time
from typing import TYPE_CHECKING

from starter.cli.framework.output import bold, harmless, one_line

if TYPE_CHECKING:
    from atlas.contracts.models import Counts
    from atlas.stores.postgres.index.search import Hit

_WIDTH = 98
_INDENT = "   "


class Story:
    """Tells the steps, and keeps what did not come out as planted in `broken`."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.held = 0
        self.told = False
        """Whether the verdict is out."""
        self._step = 0
        self._began = time.monotonic()

    def title(self, text: str) -> None:
        """The first line."""
        _print(bold(text))

    def step(self, text: str) -> None:
        """Begin the next step; says how long all before it took."""
        self._step += 1
        took = f"{time.monotonic() - self._began:5.1f} s"
        _print("")
        _print(bold(f"{self._step}  {text:<{_WIDTH - 11}}{took}"))

    def say(self, text: str) -> None:
        """A remark, wrapped."""
        self._wrapped(text, "", "")

    def row(self, name: str, text: str) -> None:
        """A name and what it is; not wrapped, so that links stay whole."""
        _print(f"{_INDENT}{name:<12} {one_line(text)}")

    def command(self, text: str) -> None:
        """The command that does the same."""
        _print(f"{_INDENT}$ {one_line(text)}")

    def counts(self, counts: Counts, outcome: str) -> None:
        """The counts of a run as the sum that they are."""
        values = counts.model_dump()
        seen = values.pop("seen")
        parts = " + ".join(f"{number} {name}" for name, number in values.items())
        _print(bold(f"{_INDENT}{seen} seen = {parts}") + f"   ({outcome})")

    def check(self, holds: bool, text: str, found: object = None) -> bool:
        """Tell what is expected; if it does not hold, what was found instead. Returns `holds`."""
        if holds:
            self.held += 1
            self._wrapped(text, "✓ ", "  ")
            return True
        self.broken.append(text)
        self._wrapped(text if found is None else f"{text} BUT FOUND: {found}", "✗ ", "  ")
        return False

    def hit(self, query: str, hit: Hit | None) -> None:
        """A query and its best result."""
        if hit is None:
            _print(f"{_INDENT}{one_line(query)} → nothing")
            return
        lang = f" [{hit.lang}]" if hit.lang else ""
        more = _others(hit)
        _print(f"{_INDENT}{bold(one_line(query))} → {one_line(hit.title)}{lang}{more}")
        _print(f"{_INDENT}  {one_line(hit.url)}")
        for line in textwrap.wrap(marked(hit), _WIDTH - 5):
            _print(f"{_INDENT}  {line}")

    def end(self) -> None:
        """The verdict."""
        self.told = True
        took = f"{time.monotonic() - self._began:.1f} s"
        _print("")
        if not self.broken:
            _print(bold(f"{_INDENT}All {self.held} checks hold ({took})."))
            return
        _print(
            bold(
                f"{_INDENT}{len(self.broken)} of {self.held + len(self.broken)} checks do not hold:"
            )
        )
        for text in self.broken:
            self._wrapped(text, "✗ ", "  ")

    def _wrapped(self, text: str, first: str, rest: str) -> None:
        lines = textwrap.wrap(
            one_line(text),
            _WIDTH,
            initial_indent=_INDENT + first,
            subsequent_indent=_INDENT + rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines:
            _print(line)


def marked(hit: Hit) -> str:
    """The snippet with its matches in brackets."""
    text, out, last = harmless(hit.snippet), "", 0
    for start, end in hit.marks:
        out += f"{text[last:start]}[{text[start:end]}]"
        last = end
    return one_line(out + text[last:]).replace("][", "")


def _others(hit: Hit) -> str:
    parts = [f"{hit.copies} more with this very text"] if hit.copies else []
    parts += [f"{hit.similar_count} similar"] if hit.similar_count else []
    return f" (+ {', '.join(parts)})" if parts else ""


def _print(line: str) -> None:
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()
