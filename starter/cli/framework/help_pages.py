"""The help page of a command: `--help` prints it, `docs/cli.md` collects them all.

These are our own pages, because cyclopts' take half a second of imports and drop the examples.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import Argument

_HEADING = re.compile(r"^Examples:\n", re.MULTILINE)
_VALUES = {int: "INT", float: "NUMBER", Path: "FILE", str: "TEXT"}
_SHOWN_WHOLE = 32  # characters of choices that fit next to the option's name


@dataclass(frozen=True)
class Value:
    """An argument or an option of a command."""

    names: tuple[str, ...]
    """As typed: `--output`, `-o`; an argument has its placeholder, `RUN`."""
    value: str
    """Placeholder of its value; empty for a flag."""
    choices: tuple[str, ...]
    help: str
    default: str
    required: bool
    repeated: bool
    positional: bool

    @property
    def label(self) -> str:
        """`-o, --output text|json|jsonl`."""
        names = ", ".join(sorted(self.names, key=len))
        return f"{names} {self.value}".strip() + ("…" if self.repeated else "")

    @property
    def told(self) -> str:
        """The help, with the choices and the default where they add something."""
        whole = "|".join(self.choices) == self.value
        parts = ["may be repeated"] if self.repeated and not self.positional else []
        parts += [f"one of {', '.join(self.choices)}"] if self.choices and not whole else []
        parts += [f"default: {self.default}"] if self.default else []
        return f"{self.help} [{'; '.join(parts)}]" if parts else self.help


@dataclass(frozen=True)
class HelpPage:
    """The help of one command or of a group of commands."""

    words: tuple[str, ...]
    summary: str
    text: tuple[str, ...]
    """Further paragraphs."""
    verbs: tuple[tuple[str, str], ...]
    """Of a group: each command and its summary."""
    usual: str
    """Of a group: the command that runs when none is named."""
    arguments: tuple[Value, ...]
    options: tuple[Value, ...]
    examples: tuple[str, ...]

    def usage(self, program: str = "atlas") -> str:
        """`atlas runs show [OPTIONS] RUN`."""
        verb = ("[COMMAND]" if self.usual else "COMMAND") if self.verbs else ""
        needed = [option.label for option in self.options if option.required]
        more = "[OPTIONS]" if len(self.options) > len(needed) or self.verbs else ""
        words = [program, *self.words, verb, more, *needed, *map(_in_usage, self.arguments)]
        return " ".join(word for word in words if word)


def page_of(app: App, words: Sequence[str]) -> HelpPage:
    """The page of a command, named by its words."""
    chain, apps, _ = app.parse_commands(list(words))
    here = apps[-1]
    verbs = _verbs(here)
    usual = [name for name, sub in verbs.items() if sub.default_command is here.default_command]
    values = [] if usual or not here.default_command else _values(app, apps)
    summary, *text = _paragraphs(here)
    return HelpPage(
        words=tuple(chain),
        summary=summary,
        text=tuple(text),
        verbs=tuple((name, summary_of(sub)) for name, sub in verbs.items()),
        usual=usual[0] if usual and here.default_command else "",
        arguments=tuple(each for each in values if each.positional),
        options=tuple(each for each in values if not each.positional),
        examples=tuple(_firsts(verbs)) if verbs else examples_of(here),
    )


def pages(app: App) -> Iterator[HelpPage]:
    """Every page, a group before its commands."""
    for words in _below(app):
        yield page_of(app, words)


def summary_of(app: App) -> str:
    """A command in one paragraph: the first of its docstring, or the group's help."""
    return _paragraphs(app)[0]


def examples_of(app: App) -> tuple[str, ...]:
    """The examples at the end of the docstring."""
    _, *section = _HEADING.split(_docstring(app))
    return tuple(line.strip() for part in section for line in part.splitlines() if line.strip())


def _verbs(app: App) -> dict[str, App]:
    return {name: app[name] for name in app if not name.startswith("-")}


def _docstring(app: App) -> str:
    return inspect.getdoc(app.default_command) or "" if app.default_command else ""


def _paragraphs(app: App) -> list[str]:
    told = inspect.cleandoc(app.help or "") if _verbs(app) else _docstring(app)
    return [_flat(each) for each in _HEADING.split(told)[0].strip().split("\n\n")]


def _firsts(verbs: dict[str, App]) -> Iterator[str]:
    """The first example of each verb."""
    for sub in verbs.values():
        below = _verbs(sub)
        yield from _firsts(below) if below else examples_of(sub)[:1]


def _below(app: App) -> Iterator[tuple[str, ...]]:
    for name, here in _verbs(app).items():
        yield (name,)
        yield from ((name, *words) for words in _below(here))


def _values(app: App, apps: Sequence[App]) -> list[Value]:
    with app.app_stack(apps):
        return [_value(each) for each in apps[-1].assemble_argument_collection() if each.show]


def _flat(text: str) -> str:
    return " ".join(text.split())


def _in_usage(argument: Value) -> str:
    shown = argument.names[0] + ("…" if argument.repeated else "")
    return shown if argument.required else f"[{shown}]"


def _value(argument: Argument) -> Value:
    hint, repeated = _item(argument.hint)
    choices = tuple(map(str, get_args(hint))) if get_origin(hint) is Literal else ()
    positional = argument.index is not None
    default = argument.field_info.default
    shows = default is not inspect.Parameter.empty
    return Value(
        names=(_word(argument),) if positional else tuple(argument.names),
        value="" if positional or hint is bool else _stands_for(argument, hint, choices),
        choices=choices,
        help=_flat(argument.parameter.help or ""),
        default="" if not shows or default in (None, "", False, ()) else as_text(default),
        required=bool(argument.required),
        repeated=repeated,
        positional=positional,
    )


def _item(hint: Any) -> tuple[Any, bool]:
    """The type of one value, and whether it may be repeated."""
    kept = [each for each in get_args(hint) if each is not type(None)]
    if get_origin(hint) in (Union, UnionType) and kept:
        hint = kept[0]
    if get_origin(hint) in (list, tuple, set):
        return get_args(hint)[0], True
    return hint, False


def _stands_for(argument: Argument, hint: Any, choices: tuple[str, ...]) -> str:
    if argument.parameter.metavar:
        return argument.parameter.metavar
    together = "|".join(choices)
    if choices:
        return together if len(together) <= _SHOWN_WHOLE else "CHOICE"
    return _VALUES.get(hint, "TEXT")


def _word(argument: Argument) -> str:
    return argument.name.lstrip("-").replace("-", "_").upper()


def as_text(default: object) -> str:
    """A default value as help shows it."""
    return f"{default:g}" if isinstance(default, float) else str(default)
