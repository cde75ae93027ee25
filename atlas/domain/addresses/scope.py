"""Which addresses a source may take: its prefix, its include and its exclude patterns.

Patterns are regular expressions, searched anywhere in the canonical URL (`patterns.py`); of a
longer URL only the first MAX_MATCHED characters are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from atlas.domain.addresses.patterns import Pattern, check_pattern, pattern_of
from atlas.domain.addresses.urls import InvalidUrl, canonicalize

if TYPE_CHECKING:
    from atlas.domain.sources import SourceSpec

MAX_PATTERNS = 50
"""Patterns in `include`, and as many in `exclude`."""

MAX_MATCHED = 1024
"""Characters of a URL that a pattern is searched in."""

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
    that names the field, the value and the fix.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prefix: str | None = None
    _include: tuple[Pattern, ...] = field(init=False, repr=False, compare=False)
    _exclude: tuple[Pattern, ...] = field(init=False, repr=False, compare=False)
    _bound: tuple[str, str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_include", _compiled("include", self.include))
        object.__setattr__(self, "_exclude", _compiled("exclude", self.exclude))
        object.__setattr__(self, "_bound", _bound_of(self.prefix))

    def allows(self, url: str) -> bool:
        """Whether the canonical `url` lies within these bounds. One of which a pattern does not
        say so in time does not (`overrun`)."""
        return self.refusal(url) is None

    def refusal(self, url: str) -> str | None:
        """The rule that keeps the canonical `url` out, as it is declared: `exclude /old/`; None:
        none does."""
        if self._bound is not None and not _is_under(url, self._bound):
            return f"prefix {self.prefix}"
        seen = url[:MAX_MATCHED]
        if self._include and not any(pattern.finds(seen) for pattern in self._include):
            return f"include {' | '.join(self.include)}"
        for pattern, written in zip(self._exclude, self.exclude, strict=True):
            if (found := pattern.finds(seen)) is not False:
                return f"exclude {written}" + (" (takes too long)" if found is None else "")
        return None

    @property
    def overrun(self) -> str:
        """What to report of addresses left out because a pattern took too long; "" if none was."""
        return next((each.overrun for each in self._include + self._exclude if each.overrun), "")


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


def check_patterns(spec: "SourceSpec", before: "SourceSpec | None" = None) -> None:
    """Raises ValueError for a pattern that may not be declared. One that the source has had
    `before` may stay."""
    kept = () if before is None else (*before.include, *before.exclude)
    for name, patterns in (("include", spec.include), ("exclude", spec.exclude)):
        for pattern in patterns:
            if pattern not in kept:
                check_pattern(name, pattern)


def _compiled(name: str, patterns: Sequence[str]) -> tuple[Pattern, ...]:
    if len(patterns) > MAX_PATTERNS:
        mend = f"at most {MAX_PATTERNS}: join some with |"
        raise ValueError(f"{name}: {len(patterns)} patterns are too many, {mend}")
    return tuple(pattern_of(name, pattern) for pattern in patterns)


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


def scope_of(spec: "SourceSpec") -> Scope:
    """The bounds within which a source takes pages. Raises ValueError for a pattern refused."""
    return Scope(include=spec.include, exclude=spec.exclude, prefix=spec.prefix)
