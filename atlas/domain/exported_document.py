"""A document as exports write it: everything that is known of one live page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ExportedDocument:
    """A live document with its text. Fields are written in this order."""

    url: str
    """The canonical URL of the page."""
    title: str
    text: str
    """Plain text."""
    markdown: str
    """The same with headings, lists, links and code; empty when there is none."""
    lang: str | None
    """ISO 639 code, such as `de`; None when it could not be determined."""
    canonical: str | None
    """The URL that the page names as its own, if it differs."""
    published: datetime | None
    """The date of publication that the page states."""
    sources: tuple[str, ...]
    """Names of the sources that hold the page."""
    version: int
    """Counts the successive texts of the page, from 1."""
    text_hash: str
    """SHA-256 of the normalised text with its title: the same text, the same hash."""
    changed_at: datetime
    """Since when the page has this text."""
    first_seen: datetime
    """When Atlas first met the address."""
    last_seen: datetime | None
    """When the page was last seen, changed or not; None: it was never checked again."""
    fetched_at: datetime | None
    """When the body that the text was made from was received; None: a newer body is waiting to be
    processed."""
    content_type: str | None
    """Of that body, as sent by the server; None if `fetched_at` is, or if none was sent."""
    media: str
    """The format of the body: `html`, `pdf`, `text` …"""
    snapshot: str
    """SHA-256 of the body: its name in the blob store."""
    cluster: str | None
    """The `text_hash` of the representative of its cluster of near-duplicates: its own if it has no
    cluster or is the representative; None: it was not compared yet."""
    duplicate_of: str | None
    """URL of the page that is kept, if `atlas dedup --apply` marked this one as a duplicate."""
    truncated: str | None
    """What is missing of the body, such as `pages 2001 to 2400`; None when nothing is."""
