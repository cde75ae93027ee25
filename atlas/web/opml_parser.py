"""An OPML file is parsed in a child process: what goes there, and what is believed of it."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Meta
from msgspec.msgpack import Decoder, encode

from atlas.domain.listing_limits import DEFAULTS
from atlas.domain.wire_fields import WireFields, decode, storable

MOST_FOLDERS = 100
"""Of one feed."""
_LONGEST = 8_000
_NAME = 300

_Text = Annotated[str, Meta(max_length=_LONGEST)]
_Name = Annotated[str, Meta(max_length=_NAME)]
_Feed = tuple[_Text, _Name, Annotated[list[_Name], Meta(max_length=MOST_FOLDERS)]]


class _Answer(WireFields):
    feeds: Annotated[list[_Feed], Meta(max_length=DEFAULTS.entries)]


_ANSWER = Decoder(_Answer)


class ListedFeed(NamedTuple):
    """A feed of an OPML file: address and title as written, folders and categories."""

    url: str
    title: str
    folders: tuple[str, ...]


def parse_opml_job(body: bytes) -> bytes:
    """The answer that `read_opml` takes. Raises PageError as `parse_opml` does."""
    from atlas.web.opml import parse_opml  # in the child only

    return encode(
        _Answer(
            [
                (
                    storable(feed.url)[:_LONGEST],
                    storable(feed.title)[:_NAME],
                    [storable(folder)[:_NAME] for folder in feed.folders[:MOST_FOLDERS]],
                )
                for feed in parse_opml(body)
            ]
        )
    )


def warm_up() -> None:
    """Import the parser, so that children forked from this process have it."""
    parse_opml_job(b"<opml/>")


def read_opml(answer: bytes) -> tuple[ListedFeed, ...]:
    """What a child answered. Raises MalformedAnswer."""
    found = decode(_ANSWER, answer)
    return tuple(ListedFeed(url, title, tuple(folders)) for url, title, folders in found.feeds)
