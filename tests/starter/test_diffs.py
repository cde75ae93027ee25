"""A difference for people: coloured on a terminal, marked elsewhere, one page for a browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.text_diff import word_diff
from starter.cli.views import diffs
from starter.document_diff import ComparedVersion, DocumentDiff

FIRST, SECOND = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


def diff_of(old: str, new: str) -> DocumentDiff:
    parts = word_diff(old, new)
    counts = {
        change: sum(len(part.text.split()) for part in parts if part.change == change)
        for change in ("added", "removed")
    }
    return DocumentDiff(
        "https://example.org/<a>",
        ComparedVersion(1, "A", FIRST, SECOND),
        ComparedVersion(2, "A & B", SECOND, None),
        parts=parts,
        **counts,
    )


LINES = [f"line {number}" for number in range(30)]


def test_elsewhere_words_are_marked_and_long_stretches_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed = [*LINES[:15], "row 15", *LINES[16:]]
    diffs.print_diff(diff_of("\n".join(LINES), "\n".join(changed)))
    head, _, body = capsys.readouterr().out.partition("\n\n")
    assert "1 words removed, 1 added\ntitle: A → A & B" in head
    assert body.splitlines() == [
        "… 13 lines without a change …", "line 13", "line 14", "[-line-]{+row+} 15",
        "line 16", "line 17", "… 12 lines without a change …",
    ]  # fmt: skip


def test_a_terminal_shows_colours_and_is_not_controlled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffs, "styled", lambda: True)
    diffs.print_diff(diff_of("the \x1b[2Jbell\nrings\n", "the bell\nrings twice\n"))
    body = capsys.readouterr().out.partition("\n\n")[2]
    assert "\x1b[32;1m twice\x1b[0m" in body
    assert "\x1b[2J" not in body
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", body)
    for line in body.splitlines():
        assert line.count("\x1b[0m") * 2 == line.count("\x1b["), "a style ends with its line"


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_page_holds_both_texts_and_nothing_that_runs(old: str, new: str) -> None:
    page = diffs.diff_page(diff_of(old, new))
    main = page.partition("<main>")[2].partition("</main>")[0]
    without = {kind: re.sub(f"<{kind}>[^<]*</{kind}>", "", main) for kind in ("ins", "del")}
    for kind, text in (("ins", old), ("del", new)):
        assert unescape(re.sub("<[^>]*>", "", without[kind])) == diffs.harmless(text)
    assert re.findall(r"<(?!/?(?:span|ins|del)>)", main) == []
    assert "<script" not in page
    assert "https://example.org/&lt;a&gt;" in page
    assert "<p>title: A → A &amp; B</p>" in page


def test_versions_that_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    diffs.print_diff(diff_of("the same", "the same"))
    assert "the same words" in capsys.readouterr().out
