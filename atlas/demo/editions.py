"""The pages of the demo site: read from `pages/<edition>/<path>.md`, rendered by `templates/`.

A page file is a head of `key: value` lines, an empty line, and text in the simplest Markdown:
headings, paragraphs, lists and links. A file with `copy_of: path` takes its text and head from
another page of the first edition; its `edit: old => new` lines replace passages of the text, its
other keys replace those of the head. A path that ends in .txt or .pdf is served as such.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from email import message_from_string
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

_PAGES = Path(__file__).parent / "pages"
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


@dataclass(frozen=True)
class Page:
    """One page: its path ("/harbour/tides"), its text, and the page it copies, if any."""

    path: str
    title: str
    lang: str
    date: date
    text: str
    copy_of: str | None = None
    edits: int = 0

    @property
    def changed(self) -> datetime:
        """When it was last changed: at nine in the morning of its date, UTC."""
        return datetime.combine(self.date, time(9), UTC)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Headings, paragraphs and lists, as written."""
        return tuple(block.strip() for block in re.split(r"\n\s*\n", self.text) if block.strip())

    @property
    def sentence(self) -> str:
        """A sentence to find this page by: the last one of its text, as a reader sees it."""
        plain = _LINK.sub(r"\1", self.blocks[-1].replace("\n", " "))
        return [part for part in _SENTENCE_END.split(plain) if part][-1].strip()

    @property
    def content(self) -> tuple[str, bytes]:
        """Content-Type and body."""
        if self.path.endswith(".txt"):
            return "text/plain; charset=utf-8", f"{self.text}\n".encode()
        if self.path.endswith(".pdf"):  # printed from this page's text: a test compares the two
            return "application/pdf", (_PAGES / "first" / self.path[1:]).read_bytes()
        return "text/html; charset=utf-8", render("page.html", page=self)


def edition(name: str) -> dict[str, Page]:
    """Pages by path: "first" has the whole site, "second" only what it edits or adds."""
    files = sorted((_PAGES / name).rglob("*.md"))
    pages = [_read(name, str(file.relative_to(_PAGES / name).with_suffix(""))) for file in files]
    return {page.path: page for page in pages}


def _read(edition: str, file: str) -> Page:
    # The head of a page has the form of an e-mail's, which the standard library reads.
    head = message_from_string((_PAGES / edition / f"{file}.md").read_text("utf-8"))
    given: dict[str, Any] = {key: head[key] for key in ("title", "lang") if key in head}
    if "date" in head:
        given["date"] = date.fromisoformat(head["date"])
    path = "/" + file.removesuffix("index")
    if "copy_of" not in head:
        return Page(path, text=str(head.get_payload()).strip(), **{"lang": "en", **given})
    original = _read("first", head["copy_of"])
    text, edits = original.text, head.get_all("edit", [])
    for old, new in (edit.split(" => ") for edit in edits):
        if old not in text:
            raise ValueError(f"pages/{edition}/{file}.md: {original.path} does not say {old!r}")
        text = text.replace(old, new)
    changes = len(edits) + ("title" in head)
    own: dict[str, Any] = {"path": path, "text": text, "copy_of": original.path, **given}
    return replace(original, edits=changes, **own)


def render(template: str, **values: object) -> bytes:
    """A template, filled in. Equal values give equal bytes, so that ETags hold."""
    return _TEMPLATES.get_template(f"{template}.jinja").render(values).encode()


def _linked(text: str) -> Markup:
    escaped = str(escape(text))
    return Markup(_LINK.sub(r'<a href="\2">\1</a>', escaped))  # noqa: S704


_TEMPLATES = Environment(
    loader=PackageLoader("atlas.demo"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["linked"] = _linked
_TEMPLATES.filters["rfc822"] = partial(format_datetime, usegmt=True)
