"""A body without markup as a page: text, Markdown, reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterator

from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.extraction.stated_metadata import StatedField, StatedMetadata
from atlas.domain.media_kinds import kind_of_name, kind_of_type
from atlas.domain.removal.bad_bodies.rules import recognise
from atlas.domain.texts import Extracted, fold_blank, strip_unstorable
from atlas.text.extracted import made_extracted, name_of_file, one_stated
from atlas.text.files.file_page import stated_by
from atlas.text.languages.date_words import moment_in
from atlas.text.page_look import look_at_text
from atlas.text.plain.plain_text import clean_plain, plain_title
from atlas.text.plain.underlined_headings import HeadingStyle, outline_in, with_hashes

_FRONT = re.compile(
    r"\s*---[ \t]*\n((?:(?:[\w-]+[ \t]*:.*|[ \t#-].*|)\n){1,100}?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_KEYS: dict[str, StatedField] = {
    "title": "title",
    "author": "author",
    "authors": "author",
    "date": "published",
    "lastmod": "modified",
    "updated": "modified",
    "description": "description",
}
_FRONT_FIELD = re.compile(rf"^({'|'.join(_KEYS)})[ \t]*:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)
_RST_FIELD = re.compile(rf"^:({'|'.join(_KEYS)}):[ \t]+(.*)$", re.IGNORECASE | re.MULTILINE)
_HEAD = 4_000
"""Characters at the start of a text in which its fields are looked for."""


def plain_page(raw: str, url: str, content_type: str | None) -> Extracted:
    """Text as it stands, with its headings as outline and in its Markdown."""
    kind = kind_of_type(content_type)
    if kind is None or kind.name == "text":
        kind = kind_of_name(name_of_file(url)) or kind
    name = kind.name if kind and kind.media == "text" else ""
    text = clean_plain(raw)
    outline: tuple[OutlineSection, ...] = ()
    stated: tuple[StatedMetadata, ...] = ()
    if name == "Markdown":
        front = _FRONT.match(text)
        stated = tuple(_fields(_FRONT_FIELD, front[1], "front matter")) if front else ()
        body = text[front.end() :].strip("\n") if front else ""
        text = markdown = with_hashes(body or text, "markdown")
        outline = _markdown_outline(text)
    else:
        style: HeadingStyle = "rst" if name == "reStructuredText" else "plain"
        markdown, outline = with_hashes(text, style), outline_in(text, style)
        if style == "rst":
            stated = tuple(_fields(_RST_FIELD, text[:_HEAD], "field"))
    if not any(each.field == "title" for each in stated):
        title, where = title_of_plain(text, url)
        stated = (*one_stated("title", fold_blank(strip_unstorable(title)), where), *stated)
    said = {each.field: each.value for each in stated}
    return made_extracted(
        media="text",
        title=said.get("title", ""),
        text=text,
        markdown=markdown,
        published=moment_in(said.get("published", "")),
        author=said.get("author"),
        verdict=recognise(look_at_text(text, url)),
        outline=outline,
        stated=stated,
    )


def title_of_plain(text: str, url: str) -> tuple[str, str]:
    """The title of a body without markup, and where it stands."""
    first = plain_title(text)
    return (first, "first line") if first else (name_of_file(url), "name of the file")


def _fields(form: re.Pattern[str], head: str, where: str) -> Iterator[StatedMetadata]:
    seen: set[StatedField] = set()
    for found in form.finditer(head):
        field = _KEYS[found[1].lower()]
        if field not in seen:
            for each in stated_by(field, found[2].strip(" \t\"'[]"), f"{where} {found[1].lower()}"):
                seen.add(field)
                yield each


def _markdown_outline(text: str) -> tuple[OutlineSection, ...]:
    from atlas.domain.chunking.markdown_blocks import markdown_outline  # a parser: rarely needed

    return markdown_outline(text)
