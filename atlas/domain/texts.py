"""Texts and what makes two of them the same: pure rules and the shape of an extracted page."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from atlas.domain.extraction.extraction_rules import RuledText
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.media_kinds import Media
from atlas.domain.removal.bad_bodies.kinds import BodyVerdict

# Raised whenever the same bytes may give another title, date, language, text, Markdown or outline;
# settled pages of an older version are due.
EXTRACTOR_VERSION: int = 9

MAX_AUTHOR = 1_000  # characters

# Characters that show nothing: zero-width marks, soft hyphen, byte order mark. The joiners
# U+200C and U+200D stay, because Persian, Indic scripts and emoji change meaning with them.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
# Those of them that stand inside of words. The zero-width space parts words in Khmer and Thai.
_SOFT_MARKS = re.compile("[\u00ad\u2060\ufeff]")
# Control characters that no text store takes (PostgreSQL refuses U+0000), lone surrogates too.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


UNSEEN = "atlas-unseen"
"""Token of a link's `rel` that we add: it stands only where the rules of the page's source say that
nothing is text, or that no change counts. A crawl follows it all the same."""


@dataclass(frozen=True, slots=True)
class Link:
    """An outlink: a canonical URL and the tokens of its ``rel`` attribute, sorted, one blank apart.

    A page-wide ``<meta name=robots content=nofollow>`` counts as ``nofollow`` on each link.
    """

    url: str
    rel: str = ""

    @property
    def nofollow(self) -> bool:
        """Whether the author asked crawlers not to follow it (RFC 8288, HTML `rel=nofollow`)."""
        return "nofollow" in self.rel.split()


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one body says: text, Markdown, metadata and outlinks.

    `lang` is an ISO 639 code or "" where it is unknown; `published` is in UTC, on the day that the
    page shows; `canonical` is the address the page claims for itself; `extractor` is
    `EXTRACTOR_VERSION`; `truncated` says in words which part of the body is missing from the text.
    """

    title: str
    text: str
    markdown: str
    lang: str
    published: datetime | None
    canonical: str | None
    links: tuple[Link, ...]
    text_hash: str
    media: Media
    extractor: int = EXTRACTOR_VERSION
    truncated: str | None = None
    noindex: bool = False
    """Whether the page itself asks to be left out of the index."""
    verdict: BodyVerdict | None = None
    """What the body seems to be instead of the page."""
    unavailable_after: datetime | None = None
    """The moment from which on it asks so; in UTC."""
    author: str | None = None
    """Who wrote it, where the page or a rule of its source says so."""
    ruled: RuledText | None = None
    """How its source's rules made the text; None: there are none."""
    outline: tuple[OutlineSection, ...] = ()
    """Where its sections begin in the text."""
    stated: tuple[StatedMetadata, ...] = ()
    """What it says of itself, each with the tag that says so."""
    read_digest: str | None = field(default=None, compare=False)
    """Digest of all that this was read from, in hex: a body that has the same says the same. None
    where that cannot be said."""


@dataclass(frozen=True, slots=True)
class TruncatedPage:
    """A page from whose text a part of the body is missing."""

    url: str
    lacks: str
    """What is missing, as in `pages 2001 to 2400`."""


def unfollowed(found: Extracted) -> Extracted:
    """The page with none of its links to be followed."""
    rels = ((link.url, {*link.rel.split(), "nofollow"}) for link in found.links)
    return replace(found, links=tuple(Link(url, " ".join(sorted(rel))) for url, rel in rels))


def with_unseen(links: Sequence[Link], seen: Collection[str]) -> tuple[Link, ...]:
    """The links; those that are not among the `seen` say so."""
    return tuple(
        link if link.url in seen else Link(link.url, f"{UNSEEN} {link.rel}".strip()[:200])
        for link in links
    )


def strip_unstorable(text: str) -> str:
    """Leave out control characters and lone surrogates, which no store accepts."""
    return _UNSTORABLE.sub("", text)


def without_soft_marks(text: str) -> str:
    """Leave out what may break a word, or keeps it from breaking: a search for the word does not
    write it."""
    return _SOFT_MARKS.sub("", text)


def fold_blank(text: str) -> str:
    """Every run of white space becomes one space; none at either end."""
    return " ".join(text.split())


def normalise_text(text: str) -> str:
    """The form in which texts are compared: NFC, invisible marks gone, white space folded.

    Idempotent: normalising twice changes nothing (Unicode Annex 15 for NFC).
    """
    visible = _INVISIBLE.sub("", strip_unstorable(text))  # first: a mark may part a composable pair
    return fold_blank(unicodedata.normalize("NFC", visible))


def text_hash(title: str, text: str) -> str:
    """SHA-256 in hex of normalised title, newline, normalised text; equal = exact duplicate."""
    joined = f"{normalise_text(title)}\n{normalise_text(text)}"
    return hashlib.sha256(joined.encode()).hexdigest()
