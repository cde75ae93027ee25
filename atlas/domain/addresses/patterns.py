"""A source's patterns: written as Python's regular expressions, searched in linear time.

The addresses come from strangers, and Python's `re` may take for ever on one of them, holding up
everything else in the process. So patterns run in RE2, which takes time proportional to the length
of the address whatever the pattern. It knows neither lookaround nor backreferences: a pattern
that needs them is refused when it is declared. Those that were declared before still work, under a
time-out for each address.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Protocol

import re2

MAX_PATTERN_LENGTH = 300
"""Characters in one pattern."""

MAX_SLOW = 20
"""Addresses on which a pattern may run out of time before it is not tried any more."""

_SECONDS = 0.05  # of one search in a pattern that RE2 does not know
_MEMORY = 1 << 20  # bytes that RE2 may take for one pattern; with less it is slower, never wrong
# What both read, and read differently: a backreference that RE2 takes for an octal number, a count
# without its lower bound, a POSIX class.
_READ_DIFFERENTLY = re.compile(r"\\[1-9]|\{,\d*\}|\[[^\]]*\[:")


class Pattern(Protocol):
    """Something to search addresses for."""

    @property
    def overrun(self) -> str:
        """What to report of the first address on which time ran out; "" if there was none."""

    def finds(self, text: str) -> bool | None:
        """Whether the pattern matches anywhere; None: not found out in time."""


class Linear:
    """A pattern that RE2 knows."""

    overrun = ""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        self._compiled = re2.compile(pattern, options)
        self._search = self._compiled.search

    def finds(self, text: str) -> bool:
        """Whether the pattern matches anywhere."""
        return self._search(text) is not None

    def matches(self, text: str) -> Iterator[str]:
        """Every match that is not empty, in order."""
        return (found.group() for found in self._compiled.finditer(text) if found.group())

    def without(self, text: str) -> str:
        """The text with nothing in place of each match."""
        return str(self._compiled.sub("", text))


class Timed:
    """A pattern declared before 0.3.1 that RE2 does not know."""

    def __init__(self, name: str, pattern: str) -> None:
        import regex  # hardly ever needed

        self._told = f"{name}: {pattern!r}"
        self._search = regex.compile(pattern, regex.V0).search
        self._slow = 0
        self.overrun = ""

    def finds(self, text: str) -> bool | None:
        """Whether the pattern matches anywhere; None: not found out in time. Other threads go on
        meanwhile."""
        if self._slow >= MAX_SLOW:
            return None
        try:
            return self._search(text, timeout=_SECONDS, concurrent=True) is not None
        except TimeoutError:
            self._slow += 1
            self.overrun = self.overrun or (
                f"{self._told} takes too long on {text[:100]}… and addresses like it, which are "
                "left out; write it without lookaround and backreferences"
            )
            return None


def check_pattern(name: str, pattern: str) -> None:
    """Raises ValueError naming field `name`, value and fix for a pattern that is broken, too long
    or not one that runs in linear time."""
    _check_syntax(name, pattern)
    if (reason := _not_linear(pattern)) is not None:
        mend = (
            "patterns run in linear time, without lookaround such as (?!…) and backreferences such "
            "as \\1; say what to take with include and what of it to leave out with exclude"
        )
        raise ValueError(f"{name}: {pattern!r} cannot be used ({reason}): {mend}")


def pattern_of(name: str, pattern: str) -> Pattern:
    """The pattern, whenever it was declared. Raises ValueError for an invalid one."""
    _check_syntax(name, pattern)
    return Linear(pattern) if _not_linear(pattern) is None else Timed(name, pattern)


def _check_syntax(name: str, pattern: str) -> None:
    if len(pattern) > MAX_PATTERN_LENGTH:
        shown = pattern[:60] + "…"
        mend = f"at most {MAX_PATTERN_LENGTH}: write several shorter patterns"
        raise ValueError(f"{name}: {shown!r} has {len(pattern)} characters, {mend}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        mend = "write special characters with a backslash, as in \\. or \\?"
        raise ValueError(f"{name}: {pattern!r} is no regular expression: {error}; {mend}") from None


def _not_linear(pattern: str) -> str | None:
    """Why RE2 cannot run `pattern`, which `re` knows, with the same meaning; None: it can."""
    if found := _READ_DIFFERENTLY.search(pattern):
        return f"it has {found.group()[:40]!r}"
    try:
        Linear(pattern)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0] if error.args else error
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return None
