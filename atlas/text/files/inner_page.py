"""A page within a file, such as a chapter or the HTML of a message: its body as one section."""

from __future__ import annotations

from typing import NamedTuple

import lxml.html
from lxml.html import HtmlElement

from atlas.domain.errors import PageError
from atlas.text.files.html_writer import leads_out
from atlas.text.markup.dom import parse_html
from atlas.text.markup.unclosed import close, hidden_in


class InnerPage(NamedTuple):
    """HTML of a section, and what of the page never shows, in words."""

    html: str
    hidden: str | None = None


def inner_page(html: str) -> InnerPage:
    """The body of a page, without ids and addresses: what they name within the file is nowhere on
    the web."""
    closed = close(html)
    try:
        tree = parse_html(closed.html)
    except PageError:  # it has no element, such as one of white space
        return InnerPage("")
    body = tree.find("body")
    if body is None:
        return InnerPage("")
    hidden = hidden_in(tree, closed)
    for element in body.iter():
        _without_addresses(element)
    body.tag = "section"
    body.tail = None
    return InnerPage(lxml.html.tostring(body, encoding="unicode"), hidden)


def _without_addresses(element: HtmlElement) -> None:
    for name in ("id", "name"):
        element.attrib.pop(name, None)
    if not leads_out(element.get("href") or ""):
        element.attrib.pop("href", None)
