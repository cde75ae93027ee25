"""What a line of shell asks for: its simple commands, and whether the real programs know them."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
import subprocess
from collections.abc import Iterator

from cyclopts import App, CycloptsError, MissingArgumentError

from atlas.embedded.temporal import find_temporal
from tests.docs.pages import read

_ENDS = {"&&", "||", "|", ";", "&", "(", ")", ";;", "|&"}
_REDIRECTS = {">", ">>", "<", ">&", "<<", "&>"}
_ASSIGNED = re.compile(r"^[A-Z_][A-Z0-9_]*=")
_CHOICE = re.compile(r"^[a-z-]+(\|[a-z-]+)+$")
_FLAG = re.compile(r"^ +(?:(-\w), )?(--[\w-]+)(?:, (-\w))?", re.MULTILINE)
ELLIPSIS = "…"


def simple_commands(line: str) -> list[list[str]]:
    """The commands of a line, each as its words; assignments before it and redirects left out."""
    lexer = shlex.shlex(line.split("\n", 1)[0], posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if word in _ENDS:
            found.append([])
        elif word in _REDIRECTS:
            next(words, None)
        else:
            found[-1].append(word)
    stripped = ([*itertools.dropwhile(_ASSIGNED.match, each)] for each in found)
    return [each for each in stripped if each]


def alternatives(span: str) -> Iterator[str]:
    """`a b|c [--d]` is `a b --d` and `a c --d`; a word in quotes, and a pipe, stay as they are."""
    words = re.findall(r"'[^']*'|\"[^\"]*\"|\S+", span)
    choices = [word.split("|") if _CHOICE.match(word) else [word] for word in words]
    return (" ".join(word.strip("[]") for word in each) for each in itertools.product(*choices))


@functools.cache  # both READMEs, and examples, say much the same
def refusal(words: tuple[str, ...], complete: bool = True) -> str | None:
    """Why the program would refuse this command; None: it takes it, or is none of ours.

    Not `complete`: it is named in a sentence, and need not have all its arguments.
    """
    match words:
        case ["make", *targets]:
            return _of_make(targets)
        case ["temporal", "atlas", *arguments]:
            return _of_atlas(arguments, complete)
        case ["temporal", *arguments]:
            return _of_temporal(arguments)
        case [program, *arguments] if program.split("/")[-1] == "atlas":
            return _of_atlas(arguments, complete)
    return None


def _of_atlas(arguments: list[str], complete: bool) -> str | None:
    complete = complete and not any(ELLIPSIS in each for each in arguments)
    # A bare … stands for more that is not shown; within a word it stands for a part of it.
    shown = [each for each in arguments if each != ELLIPSIS]
    try:
        _atlas().parse_args(shown, exit_on_error=False, print_error=False)
    except MissingArgumentError as error:
        return str(error) if complete else None
    except CycloptsError as error:
        return str(error)
    return None


@functools.cache
def _atlas() -> App:
    from starter.cli.framework.app import build

    return build()


def _of_make(targets: list[str]) -> str | None:
    known = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    unknown = [each for each in targets if each not in known and "=" not in each]
    return f"no target {unknown}" if unknown else None


def _of_temporal(arguments: list[str]) -> str | None:
    command = tuple(itertools.takewhile(lambda each: not each.startswith("-"), arguments))
    command = tuple(each for each in command if each != ELLIPSIS)
    flags = _temporal_flags(command) | _connection_flags()
    given = [each.split("=")[0] for each in arguments if re.match(r"^--?[A-Za-z]", each)]
    unknown = [each for each in given if each not in flags]
    return f"no flag {unknown}" if unknown else None


@functools.cache
def _temporal_flags(command: tuple[str, ...]) -> frozenset[str]:
    told = _temporal(*command, "--help")
    named = f"temporal {' '.join(command)}".strip()
    # An unknown sub-command gets the help of the command above it.
    if told.returncode or not re.search(rf"^ +{re.escape(named)}( |$)", told.stdout, re.MULTILINE):
        raise AssertionError(f"no such command: {named}")
    return _flags_in(told.stdout)


@functools.cache
def _connection_flags() -> frozenset[str]:
    return _flags_in(_temporal("options").stdout)


def _flags_in(told: str) -> frozenset[str]:
    return frozenset(flag for names in _FLAG.findall(told) for flag in names if flag)


def _temporal(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(find_temporal()), *arguments], capture_output=True, text=True, check=False
    )
