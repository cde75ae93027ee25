"""What the readers of all kinds of bodies have in common: an `Extracted`, of what they found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from atlas.domain.addresses.bucket_urls import page_address
from atlas.domain.addresses.urls import InvalidUrl
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.extraction.extraction_rules import ExtractionRules
from atlas.domain.extraction.outline import OutlineSection
from atlas.domain.extraction.stated_metadata import (
    MAX_STATED_TAG,
    MAX_STATED_VALUE,
    StatedField,
    StatedMetadata,
)
from atlas.domain.media_kinds import Media
from atlas.domain.removal.bad_bodies.kinds import BodyVerdict
from atlas.domain.texts import MAX_AUTHOR, Extracted, Link, fold_blank, strip_unstorable, text_hash
from atlas.text.languages.language import language_of


def one_stated(field: StatedField, value: str, tag: str) -> Iterator[StatedMetadata]:
    """One thing that a page states, unless it says nothing."""
    if value:
        yield StatedMetadata(field, value[:MAX_STATED_VALUE], tag[:MAX_STATED_TAG])


def in_language(found: Extracted, rules: ExtractionRules, declared: str | None) -> Extracted:
    """The page in the language that its source declares, and by what its language is known."""
    lang = rules.lang or found.lang
    if rules.lang:
        tag = "lang of the source"
    else:
        tag = "declaration" if lang == language_of("", declared) else "text"
    stated = (*found.stated, *one_stated("language", lang, tag))
    return replace(found, lang=lang, stated=stated)


def titled(found: Extracted, title: str | None) -> Extracted:
    """The page under the title that came with its body, if one did."""
    shown = fold_blank(strip_unstorable(title or ""))
    if not shown:
        return found
    return replace(found, title=shown, text_hash=text_hash(shown, found.text))


def made_extracted(
    *,
    media: Media,
    title: str,
    text: str,
    markdown: str,
    language: str | None = None,
    published: datetime | None = None,
    canonical: str | None = None,
    links: tuple[Link, ...] = (),
    truncated: str | None = None,
    noindex: bool = False,
    verdict: BodyVerdict | None = None,
    unavailable_after: datetime | None = None,
    outline: tuple[OutlineSection, ...] = (),
    author: str | None = None,
    stated: tuple[StatedMetadata, ...] = (),
) -> Extracted:
    """The page, in the language that its text or the declared `language` says. Raises
    PageError(INVALID, "no_text")."""
    if not text.strip():
        without = f"; left out: {truncated}" if truncated else ""
        message = f"no visible text in this {media} body{without}"
        raise PageError(ErrorClass.INVALID, "no_text", message)
    shown = fold_blank(strip_unstorable(title))
    return Extracted(
        title=shown,
        text=text,
        markdown=strip_unstorable(markdown),
        lang=language_of(text, language),
        published=published,
        canonical=canonical,
        links=links,
        text_hash=text_hash(shown, text),
        media=media,
        truncated=truncated,
        noindex=noindex,
        verdict=verdict,
        unavailable_after=unavailable_after,
        outline=outline,
        author=author[:MAX_AUTHOR] if author else None,
        stated=stated,
    )


def name_of_file(url: str) -> str:
    """The last segment of the path: better than no title for a bare file."""
    try:
        path = page_address(url).partition("?")[0]
    except InvalidUrl:
        return ""
    return path.rstrip("/").rpartition("/")[2][:200]
