"""Which addresses a source may take: its prefix, its include and its exclude patterns.

Patterns are Python regular expressions, searched anywhere in the canonical URL. The `re` module
has no time limit and the addresses come from strangers, so what could take exponential time is
refused when the pattern is declared (`check_pattern`), and of a longer URL only the first
MAX_MATCHED characters are looked at.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from atlas.domain.urls import InvalidUrl, canonicalize

if TYPE_CHECKING:
    from atlas.domain.sources import SourceSpec

MAX_PATTERNS = 50
"""Patterns in `include`, and as many in `exclude`."""

MAX_PATTERN_LENGTH = 300
"""Characters in one pattern."""

MAX_MATCHED = 1024
"""Characters of a URL that a pattern is searched in."""

MAX_WIDE_REPEATS = 2
"""Open-ended repeats in one pattern that can run past what follows them, as `.*` can."""

MAX_OPTIONS = 8
"""Optional parts and groups of alternatives in one pattern that matching may come back to."""

# fmt: off
_NO_DOCUMENT = frozenset((
    "7z", "aac", "apk", "atom", "avi", "avif", "bin", "bmp", "br", "bz2", "cab", "css", "deb",
    "dll", "dmg", "dylib", "eot", "exe", "flac", "flv", "gif", "gz", "heic", "ico", "iso", "jar",
    "jpeg", "jpg", "js", "lz4", "lzma", "m4a", "m4v", "map", "mid", "mjs", "mkv", "mov", "mp3",
    "mp4", "mpeg", "mpg", "msi", "ogg", "ogv", "opus", "otf", "png", "psd", "rar", "rpm", "rss",
    "so", "svg", "svgz", "swf", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav", "weba", "webm",
    "webp", "whl", "wma", "wmv", "woff", "woff2", "xz", "zip", "zst",
))
# fmt: on

# Lists of pages rather than pages; declared as a source of their own they are read as such.
_LISTINGS = frozenset(("atom.xml", "feed.json", "feed.xml", "rss.xml", "sitemap.xml"))


@dataclass(frozen=True)
class Scope:
    """The bounds of a source. A URL is allowed when it lies under `prefix` (if there is one),
    matches some `include` (if there is any) and no `exclude`.

    `prefix` bounds by whole path segments: https://h/docs holds /docs, /docs?x and /docs/a, not
    /docs-old; http and https count as one when both use their default port. Raises ValueError
    that names the field, the value and the mend.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prefix: str | None = None
    _include: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)
    _exclude: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)
    _bound: tuple[str, str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_include", _compiled("include", self.include))
        object.__setattr__(self, "_exclude", _compiled("exclude", self.exclude))
        object.__setattr__(self, "_bound", _bound_of(self.prefix))

    def allows(self, url: str) -> bool:
        """Whether the canonical `url` lies within these bounds."""
        if self._bound is not None and not _is_under(url, self._bound):
            return False
        seen = url[:MAX_MATCHED]
        if self._include and not any(pattern.search(seen) for pattern in self._include):
            return False
        return not any(pattern.search(seen) for pattern in self._exclude)


def directory_of(url: str) -> str:
    """The prefix that bounds a crawl from `url` unless one is given: its path up to the last
    slash. https://h/docs/a?x gives https://h/docs/, and so https://h/docs gives https://h/.
    Raises InvalidUrl."""
    return canonicalize(".", canonicalize(url))


def looks_like_page(url: str) -> bool:
    """Whether a crawl should ask for `url`: False for what its name says is an image, a style
    sheet, a script, a font, sound, video, a program, an archive, a feed or a sitemap."""
    path = PurePosixPath(unquote(urlsplit(url).path).lower())
    return path.suffix[1:] not in _NO_DOCUMENT and path.name not in _LISTINGS


def check_pattern(name: str, pattern: str) -> re.Pattern[str]:
    """`pattern` compiled. Raises ValueError naming field `name`, value and mend if it is broken,
    too long, or could take exponential time."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        shown = pattern[:60] + "…"
        mend = f"at most {MAX_PATTERN_LENGTH}: write several shorter patterns"
        raise ValueError(f"{name}: {shown!r} has {len(pattern)} characters, {mend}")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        mend = "write special characters with a backslash, as in \\. or \\?"
        raise ValueError(f"{name}: {pattern!r} is no regular expression: {error}; {mend}") from None
    if reason := _danger(pattern):
        raise ValueError(f"{name}: {pattern!r} {reason}")
    return compiled


def _compiled(name: str, patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    if len(patterns) > MAX_PATTERNS:
        mend = f"at most {MAX_PATTERNS}: join some with |"
        raise ValueError(f"{name}: {len(patterns)} patterns are too many, {mend}")
    return tuple(check_pattern(name, pattern) for pattern in patterns)


def _bound_of(prefix: str | None) -> tuple[str, str] | None:
    if prefix is None:
        return None
    try:
        return _site_and_path(canonicalize(prefix))
    except InvalidUrl as error:
        raise ValueError(f"prefix: {error}") from None


def _site_and_path(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    # A canonical URL names a port only where it is not the scheme's own.
    site = f"{parts.scheme}://{parts.netloc}" if parts.port else parts.netloc
    return site, parts.path


def _is_under(url: str, bound: tuple[str, str]) -> bool:
    site, path = _site_and_path(url)
    folder = bound[1].rstrip("/")
    return site == bound[0] and (path == folder or path.startswith(folder + "/"))


# What follows reads a pattern just far enough to see its repeats. It has been compiled, so its
# brackets match.
_PIECE = re.compile(
    r"""\\.                                          # an escape
      | \[\^?\]?(?:\\.|[^\]\\])*\]                   # a set of characters
      | \(\?(?:P=\w+|\#[^)]*|[aiLmsux]+)\)           # a closed bracket that holds no pattern
      | \((?:\?(?:P<\w+>|[:=!>]|<[=!]|[aiLmsux-]+:|\(\w+\)))?   # a group opens
      | (?:[*+?]|\{\d*,\d*\}|\{\d+\})[+?]?           # a repeat
      | .                                            # anything else stands for itself
    """,
    re.VERBOSE | re.DOTALL,
)
_REPEAT = re.compile(r"[*+?]|\{\d*,\d*\}|\{\d+\}")
_OPTION = re.compile(r"\?[+?]?")
_FIXED = re.compile(r"\{\d+\}")


@dataclass
class _Group:
    """A group of a pattern: whether it holds alternatives, and a part of varying length."""

    branches: bool = False
    varies: bool = False


@dataclass
class _Risks:
    """How often matching may have to go back: by many steps (`wide`) or by one (`narrow`)."""

    nested: bool = False
    wide: int = 0
    narrow: int = 0

    def reason(self) -> str | None:
        if self.nested:
            return _NESTED
        if self.wide > MAX_WIDE_REPEATS:
            return _TOO_WIDE
        return _TOO_NARROW if self.narrow > MAX_OPTIONS else None


_NESTED = (
    "repeats a group that itself repeats or has alternatives, which can take for ever on some "
    "addresses; write it without the group, as in [^?]* for (?:/[^/]+)*"
)
_TOO_WIDE = (
    f"has more than {MAX_WIDE_REPEATS} open-ended repeats such as .* , which can take for ever on "
    "some addresses; write [^/]*/ for one path segment, or several patterns"
)
_TOO_NARROW = (
    f"has more than {MAX_OPTIONS} optional parts and groups of alternatives, which can take for "
    "ever on some addresses; write several patterns"
)


def _danger(pattern: str) -> str | None:
    """Why `pattern` could run for ever, or None. Stricter than it must be, so that it is simple;
    it guards against mistakes, the patterns being the owner's own."""
    groups, risks = [_Group()], _Risks()
    closed: _Group | None = None
    pieces = [match.group() for match in _PIECE.finditer(pattern)]
    for at, piece in enumerate(pieces):
        if piece == ")":
            closed = groups.pop()
            risks.narrow += closed.branches
            groups[-1].varies |= closed.varies or closed.branches
            continue
        if piece.startswith("(") and not piece.endswith(")"):
            groups.append(_Group())
        groups[-1].branches |= piece == "|"
        if _REPEAT.match(piece):
            groups[-1].varies |= not _FIXED.match(piece)
            _judge(risks, pieces, at, closed)
        closed = None
    return risks.reason()


def _judge(risks: _Risks, pieces: list[str], at: int, group: _Group | None) -> None:
    if _OPTION.fullmatch(pieces[at]):
        risks.narrow += _overlaps(pieces, at)
        return
    risks.nested |= group is not None and (group.varies or group.branches)
    risks.wide += not _FIXED.match(pieces[at]) and _overlaps(pieces, at)


def _overlaps(pieces: list[str], at: int) -> bool:
    """Whether the repeat at `at` can run past what follows it: not so at the end of the pattern,
    nor before a character that the repeated one never matches, as in [^/]+/ ."""
    atom = pieces[at - 1]
    following = pieces[at + 1] if at + 1 < len(pieces) else ""
    if not following or (following == "$" and atom == "."):
        return False
    if re.fullmatch(r"\\\W", following):
        following = following[1:]
    elif len(following) != 1 or following in "$^.()|":
        return True
    try:
        return re.fullmatch(atom, following, re.IGNORECASE) is not None
    except re.error:  # a bracket or a reference: nothing known about it
        return True


def scope_of(spec: "SourceSpec") -> Scope:
    """The bounds within which a source takes pages. Raises ValueError for a pattern refused."""
    return Scope(include=spec.include, exclude=spec.exclude, prefix=spec.prefix)
