"""A page of many blocks, one after another, costs in proportion to their number: calls are counted,
in Python and into C, so a busy machine changes nothing."""

import sys
from collections.abc import Callable
from itertools import count

import pytest

from atlas.domain.prepared import PrepareJob
from atlas.text.prepare import prepare

ARTICLE = '<meta property="og:type" content="article">'
SENTENCE = "The sentence number {n} of this page."
SHAPES = {
    "paragraphs": ("", f"<p>{SENTENCE}</p>"),
    "an ordered list": ("<ol>", f"<li>{SENTENCE}</li>"),
    "items in 60 ordered lists": ("<ol><li>" * 60, f"<li>{SENTENCE}</li>"),
    "an index": ("<ul>", "<li><a href=/{n}>Number {n}</a></li>"),
    "lines": ("<p>", f"{SENTENCE}<br>"),
    "definitions": ("<dl>", f"<dt>Number {{n}}<dd>{SENTENCE}"),
    "rows": ("<table>", f"<tr><td>{{n}}<td>{SENTENCE}"),
    "cells": ("<table><tr>", "<td>Number {n}"),
    "paragraphs in 180 elements": ("<div>" * 180, f"<p>{SENTENCE}</p>"),
    "quotes": ("<blockquote>", f"<p>{SENTENCE}</p>"),
    "navigation": ("<p>A sentence outside of it.</p><nav>", "<li>Entry {n} of the menu</li>"),
    "unclosed <svg>": ("", f"<svg><p>{SENTENCE}</p>"),
    "unclosed <noscript>": ("", f"<noscript><p>{SENTENCE}</p>"),
    "unclosed <b>": ("", f"<p><b>{SENTENCE}"),
    "links": ("<p>", "some words and <a href=/{n}>number {n}</a> "),
}


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, in Python and into C, generators resumed among them."""
    counter = count()
    before = sys.getprofile()
    sys.setprofile(lambda _frame, event, _arg: next(counter) if "call" in event else None)
    try:
        work()
    finally:
        sys.setprofile(before)
    return next(counter)


@pytest.mark.parametrize("start", ["", ARTICLE], ids=["page", "article"])
@pytest.mark.parametrize("shape", SHAPES)
def test_four_times_the_blocks_make_four_times_the_calls(shape: str, start: str) -> None:
    before, block = SHAPES[shape]

    def work(blocks: int) -> int:
        body = start + before + "".join(block.format(n=n) for n in range(blocks))
        job = PrepareJob(body.encode(), "text/html", "utf-8", "https://a.example/")
        return calls(lambda: prepare(job))

    work(10)  # loads the models
    # From 200 on, all are cut into chunks.
    assert work(800) < 5 * work(200)
