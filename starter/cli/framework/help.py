"""Help on the terminal: the page of a command."""

from __future__ import annotations

import difflib
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from starter.cli.framework.help_pages import HelpPage, Value, page_of
from starter.cli.framework.output import bold, harmless, raw

if TYPE_CHECKING:
    from cyclopts import App

_NAME = re.compile(r"(?<![\w./-])atlas (?=[a-z])")
_WIDEST = 100
_LABELS = 30  # columns for names; a longer name gets its own line


def asked_for(arguments: Sequence[str]) -> bool:
    """Whether help is wanted instead of the command."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--help" in own or "-h" in own


def print_page(app: App, arguments: Sequence[str], program: str) -> None:
    """Print the page of the command that the arguments name.

    Raises:
        InvalidRequest: no such command.
    """
    words = [each for each in arguments if each not in ("--help", "-h")]
    chain, apps, rest = app.parse_commands(words)
    known = [name for name in apps[-1] if not name.startswith("-")]
    if known and rest and not rest[0].startswith("-"):
        raise _unknown(rest[0], known, [program, *chain])
    for line in lines(page_of(app, chain), program):
        raw(line)


def lines(page: HelpPage, program: str) -> Iterable[str]:
    """The lines of a page."""
    width = _width()
    yield from textwrap.wrap(page.summary, width)
    for paragraph in page.text:
        yield from ("", *textwrap.wrap(paragraph, width))
    yield from ("", f"{bold('Usage:')} {page.usage(program)}")
    yield from _section("Commands", page.verbs, width)
    if page.usual:
        yield from ("", f"Without a command: {page.usual}.")
    yield from _section("Arguments", map(_row, page.arguments), width)
    yield from _section("Options", map(_row, page.options), width)
    if page.examples:
        yield from ("", bold("Examples:"))
        yield from (f"  {called(each, program)}" for each in page.examples)
    if page.verbs:
        own = " ".join([program, *page.words])
        yield from ("", f"Each has its own help: {own} COMMAND --help")


def called(example: str, program: str) -> str:
    """The example with the name that the program was called by."""
    return _NAME.sub(f"{program} ", example)


def _unknown(word: str, known: Sequence[str], before: Sequence[str]) -> Exception:
    from starter.errors import InvalidRequest

    near = difflib.get_close_matches(word, known, n=1)
    fix = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
    return InvalidRequest(f"{' '.join(before)} has no command {harmless(word)!r}; {fix}")


def _row(value: Value) -> tuple[str, str]:
    return value.label, value.told


def _section(title: str, rows: Iterable[tuple[str, str]], width: int) -> Iterable[str]:
    listed = list(rows)
    if not listed:
        return
    column = 2 + max((len(label) for label, _ in listed if len(label) <= _LABELS), default=0)
    yield from ("", bold(f"{title}:"))
    for label, text in listed:
        wrapped = textwrap.wrap(text, width - column - 2) or [""]
        if len(label) > column - 2:
            yield f"  {label}"
        else:
            yield f"  {label:<{column}}{wrapped.pop(0)}".rstrip()
        yield from (" " * (column + 2) + line for line in wrapped)


def _width() -> int:
    columns = shutil.get_terminal_size((_WIDEST, 24)).columns if sys.stdout.isatty() else _WIDEST
    return max(40, min(columns, _WIDEST))
