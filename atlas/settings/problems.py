"""What is wrong with the settings, naming the setting, its place, its value and the fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

# To the last @: a password that is not percent-encoded may hold / and ?.
_CREDENTIALS = re.compile(r"(?<=//)\S*@")
_ADDRESS = re.compile(r"([a-z+]+://)(?:.*@)?([\w.:,\[\]-]*)(/[\w.-]*)?(?:\?[^@]*)?", re.DOTALL)
_IN_QUERY = re.compile(r"(?i)([?&][^=&#\s]*(?:pass|secret|token|key|sig)[^=&#\s]*=)[^&#\s]+")
_LONGEST = 100


class SettingsError(Exception):
    """Settings are wrong; the message names each, its value (never a secret's) and the fix."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems: Sequence[str] = problems


def without_credentials(value: object) -> str:
    """A value as it may be shown: no user or password of an address, no token of its query."""
    text = _IN_QUERY.sub(r"\1…", _CREDENTIALS.sub("…@", str(value)))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def address_only(url: str) -> str | None:
    """Scheme, host and path of a secret URL; None where they cannot be read with certainty."""
    found = _ADDRESS.fullmatch(url)
    if not found:
        return None
    scheme, host, path = found.groups()
    user = "…@" if "@" in url else ""
    return f"{scheme}{user}{host}{path or ''}"


def meant(name: str, known: Iterable[str], prefix: str = "") -> str:
    """`; did you mean …?`, where a known name is near; said without `prefix`."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {near[0].removeprefix(prefix)}?" if near else ""


def in_words(error: Exception) -> str:
    """Why a file could not be read."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def shown_path(path: Path) -> str:
    """A path from the working directory, where it lies in it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
