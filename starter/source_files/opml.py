"""Feeds in OPML, the format in which feed readers exchange their subscriptions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import escape

from atlas.domain.addresses.urls import InvalidUrl, canonicalize, host_of, without_secrets
from atlas.domain.sources import MAX_TAGS, NAME, SourceSpec

if TYPE_CHECKING:
    from atlas.web.opml_parser import ListedFeed

_LONGEST = 63
"""Characters of a name."""
_OTHERS = re.compile(r"[^a-z0-9_.]+")


@dataclass(frozen=True, slots=True)
class RefusedFeed:
    """A feed of an OPML file that was not declared."""

    url: str
    """As written in the file."""
    reason: str
    """Why not."""


@dataclass(frozen=True, slots=True)
class FeedsOfFile:
    """What an OPML file has for an Atlas with certain sources."""

    specs: tuple[SourceSpec, ...]
    """The sources that are new, by name."""
    known: tuple[str, ...]
    """URLs of feeds that a source has already."""
    refused: tuple[RefusedFeed, ...]
    """Feeds whose address cannot be used."""


def new_sources(
    feeds: Iterable[ListedFeed], declared: Mapping[str, SourceSpec], tags: Collection[str] = ()
) -> FeedsOfFile:
    """A source for each feed that none has yet: named after its title, tagged with its folders and
    categories, and with `tags`."""
    held = {url for spec in declared.values() if spec.kind == "feed" for url in spec.urls}
    names, known = set(declared), list[str]()
    specs, refused = dict[str, SourceSpec](), list[RefusedFeed]()
    for feed in feeds:
        try:
            url = canonicalize(_as_http(feed.url))
        except InvalidUrl as error:
            refused.append(RefusedFeed(without_secrets(feed.url)[:300], str(error)[:300]))
            continue
        if url in held:
            if url not in specs:
                known.append(url)
            continue
        held.add(url)
        name = _free_name(slug(feed.title) or slug(host_of(url)) or "feed", names)
        names.add(name)
        found = dict.fromkeys([*tags, *filter(None, map(slug, feed.folders))])
        specs[url] = SourceSpec(name, "feed", (url,), tags=tuple(found)[:MAX_TAGS])
    ordered = sorted(specs.values(), key=lambda spec: spec.name)
    return FeedsOfFile(tuple(ordered), tuple(dict.fromkeys(known)), tuple(refused))


def _as_http(url: str) -> str:
    """`feed:` addresses, which some readers write, name the same file by http."""
    if url.lower().startswith("feed://"):
        return "http://" + url[7:]
    return url[5:] if url.lower().startswith("feed:") else url


def slug(title: str) -> str:
    """The title as the name of a source or a tag: empty if nothing of it can be in one."""
    if NAME.fullmatch(title):
        return title
    plain = unicodedata.normalize("NFKD", title.casefold())
    bare = "".join(each for each in plain if not unicodedata.combining(each))
    named = _OTHERS.sub("-", bare).lstrip("-_.")[:_LONGEST].rstrip("-_.")
    return named if NAME.fullmatch(named) else ""


def _free_name(wanted: str, taken: Collection[str]) -> str:
    return next(name for name in _variants(wanted) if name not in taken)


def _variants(wanted: str) -> Iterator[str]:
    yield wanted
    number = 2
    while True:
        end = f"-{number}"
        yield wanted[: _LONGEST - len(end)].rstrip("-_.") + end
        number += 1


def write_opml(specs: Iterable[SourceSpec]) -> str:
    """The feeds of all sources that have some, each in the folder of its source's first tag."""
    folders: dict[str, list[str]] = {}
    for spec in sorted(specs, key=lambda spec: spec.name):
        if spec.kind == "feed":
            lines = folders.setdefault(spec.tags[0] if spec.tags else "", [])
            lines += [_outline(spec, url) for url in spec.urls]
    body: list[str] = []
    for folder, lines in sorted(folders.items()):
        if folder:
            body += [f'    <outline text="{escape(folder)}">', *(f"  {each}" for each in lines)]
            body.append("    </outline>")
        else:
            body += lines
    return "\n".join([*_HEAD, *body, *_END])


def _outline(spec: SourceSpec, url: str) -> str:
    name, address = escape(spec.name), escape(url)
    category = ",".join(f"/{tag}" for tag in spec.tags)
    tagged = f' category="{escape(category)}"' if category else ""
    return f'    <outline type="rss" text="{name}" title="{name}" xmlUrl="{address}"{tagged}/>'


_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>',
    '<opml version="2.0">',
    "  <head><title>Feeds of Atlas</title></head>",
    "  <body>",
)
_END = ("  </body>", "</opml>", "")
