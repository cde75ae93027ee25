"""Headings of text without markup: told by the row of signs below them, and by nothing like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.extraction.stated_metadata import StatedMetadata
from atlas.domain.texts import Extracted
from atlas.text.extract import extract
from atlas.text.plain.underlined_headings import outline_in, underlined_headings, with_hashes

RST = """\
==========
 The Guide
==========

:Author: Ada Lund
:Date: 2024-03-05

Words of the guide.

Mooring
-------
Tie the bow line first.

Ropes
~~~~~
All of them.

Tides
-----

Last words.
"""


def read(text: str, name: str, content_type: str | None = None) -> Extracted:
    return extract(text.encode(), content_type, None, f"https://a.example/{name}")


@pytest.mark.parametrize(
    ("name", "content_type"), [("g.rst", "text/plain"), ("g.rst", None), ("g", "text/x-rst")]
)
def test_restructured_text(name: str, content_type: str | None) -> None:
    found = read(RST, name, content_type)
    assert (found.media, found.title, found.author) == ("text", "The Guide", "Ada Lund")
    assert StatedMetadata("published", "2024-03-05T00:00:00+00:00", "field date") in found.stated
    levels = [(each.level, each.title) for each in found.outline]
    assert levels == [(1, "The Guide"), (2, "Mooring"), (3, "Ropes"), (2, "Tides")]
    assert [found.text[each.start :][: len(each.title)] for each in found.outline] == [
        each.title for each in found.outline
    ]
    assert found.markdown.startswith("# The Guide\n\n:Author:") and "=" not in found.markdown
    assert "## Mooring\nTie the bow" in found.markdown and "-------" in found.text


def test_plain_text_that_draws_its_headings() -> None:
    found = read("Notes\n=====\n\nFirst words.\n\nPart two\n--------\n\nMore.\n", "n.txt")
    assert [(each.level, each.title) for each in found.outline] == [(1, "Notes"), (2, "Part two")]


@pytest.mark.parametrize(
    "text",
    [
        "Name    Age\n-----------\nAda      30\n",
        "Some text\n---------------------------\n\nbelow a rule\n",
        "Some text\n---------\nstill the table\n",
        "a paragraph of\ntwo lines\n---------\n\nmore\n",
        "- an item\n---------\n\nmore\n",
        "---------\n\n---------\n",
        "| a |\n-----\n\nmore\n",
    ],
)
def test_what_is_no_heading_of_plain_text(text: str) -> None:
    assert outline_in(text, "plain") == ()
    assert with_hashes(text, "plain") == text


def test_wide_letters_have_wide_rows() -> None:
    assert [
        each.words for each in underlined_headings("係留の手引き\n============\n\n本文", "plain")
    ]


MARKDOWN = """\
---
title: "How to moor"
author: Ada Lund
date: 2024-03-05
tags:
  - boats
---

Mooring
=======

Words.

Ropes
---

```
Not one
=======
```
### Knots
"""


def test_markdown_with_front_matter_and_underlines() -> None:
    found = read(MARKDOWN, "moor.md")
    assert (found.title, found.author) == ("How to moor", "Ada Lund")
    assert found.published and found.published.year == 2024
    assert StatedMetadata("title", "How to moor", "front matter title") in found.stated
    assert found.text.startswith("# Mooring\n\nWords.\n\n## Ropes")
    assert "Not one\n=======" in found.text
    levels = [(each.level, each.title) for each in found.outline]
    assert levels == [(1, "Mooring"), (2, "Ropes"), (3, "Knots")]
    # A rule at the start of a text is no front matter, and nothing else is text is one either.
    assert read("---\n\nwords: of a text\nand more\n\n---\n", "a.md").text.count("---") == 2
    assert read("---\ntitle: all there is\n---\n", "a.md").text


@given(st.text("ab =-#~\n", max_size=200), st.sampled_from(["plain", "rst", "markdown"]))
def test_nothing_but_rows_of_signs_is_lost(text: str, style: str) -> None:
    found = list(underlined_headings(text, style))  # type: ignore[arg-type]
    places = [place for each in found for place in (each.start, each.words_at, each.end)]
    assert places == sorted(places)
    for each in found:
        assert text[each.words_at :].startswith(each.words)
    letters = [each for each in text if each in "ab"]
    assert [each for each in with_hashes(text, style) if each in "ab"] == letters  # type: ignore[arg-type]
