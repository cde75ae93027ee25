"""A file as a page: what its converter makes of it, and what the file states of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from atlas.domain.extraction.stated_metadata import (
    MAX_STATED_TAG,
    MAX_STATED_VALUE,
    StatedField,
    StatedMetadata,
)
from atlas.domain.texts import fold_blank, strip_unstorable
from atlas.text.languages.date_words import moment_in

# Titles that programs write by themselves.
_NO_TITLE = re.compile(
    r"(?:powerpoint|slide) ?(?:presentation|\d+)?|(?:presentation|document|(?:work)?book) ?\d*"
    r"|untitled(?: document)?|no title|title|microsoft (?:word|excel|powerpoint)(?: - .*)?"
    r"|(?:[a-z]:\\|file:|/).*|.{0,200}\.(?:docx?|pptx?|xlsx?|odt|rtf|tex|dvi|indd|qxd|pdf|ps)",
    re.IGNORECASE,
)


class FilePage(NamedTuple):
    """A page that says what the file says, without chrome and without addresses of its own."""

    html: str
    stated: tuple[StatedMetadata, ...] = ()
    language: str | None = None
    """The tag that it declares."""
    truncated: str | None = None
    """Which part of the file is missing, in words."""

    def value(self, field: StatedField) -> str:
        """What it states; "": nothing."""
        return next((each.value for each in self.stated if each.field == field), "")

    @property
    def published(self) -> datetime | None:
        """When it was made, in UTC."""
        return moment_in(self.value("published"))


def stated_by(field: StatedField, value: str | None, tag: str) -> Iterator[StatedMetadata]:
    """One thing that a file states, unless it says nothing: an empty text, a title that a program
    wrote by itself, a date that is none."""
    shown = fold_blank(strip_unstorable((value or "")[: 2 * MAX_STATED_VALUE]))
    if field in ("published", "modified"):
        moment = moment_in(shown)
        shown = moment.isoformat() if moment else ""
    if field == "title" and _NO_TITLE.fullmatch(shown):
        return
    if shown:
        yield StatedMetadata(field, shown[:MAX_STATED_VALUE], tag[:MAX_STATED_TAG])
