"""The pages of the demo site, read from `pages/<edition>/<path>.md`.

A page file is a few `key: value` lines, an empty line, and text with the simplest Markdown:
headings, paragraphs, lists and links. A file with `copy_of: path` takes all of another page and
then replaces what its `edit: old => new` lines and other keys say. A path that ends in .txt or
.pdf is served as such.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable

_SUFFIX = ".md"
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
    def blocks(self) -> tuple[str, ...]:
        """Headings, paragraphs and lists, as written."""
        return tuple(block.strip() for block in re.split(r"\n\s*\n", self.text) if block.strip())

    @property
    def links(self) -> tuple[str, ...]:
        """The paths this page links to."""
        return tuple(match.group(2) for match in _LINK.finditer(self.text))

    @property
    def sentence(self) -> str:
        """A sentence to find this page by: the last one of its text, as a reader sees it."""
        plain = _LINK.sub(r"\1", self.blocks[-1].replace("\n", " "))
        return [part for part in _SENTENCE_END.split(plain) if part][-1].strip()


def first_edition() -> dict[str, Page]:
    """Every page of the first edition by path."""
    return _edition("first", {})


def second_edition(first: Mapping[str, Page]) -> dict[str, Page]:
    """Only what the second edition edits or adds, by path; it may copy from the first."""
    return _edition("second", first)


def _edition(name: str, known: Mapping[str, Page]) -> dict[str, Page]:
    folder = resources.files("atlas.demo") / "pages" / name
    files = dict(sorted(_texts(folder, "")))
    own = {path: _page(path, text) for path, text in files.items() if not _is_copy(text)}
    originals = {**known, **own}
    copies = {path: _copy(path, text, originals) for path, text in files.items() if path not in own}
    return dict(sorted({**own, **copies}.items()))


def _texts(folder: Traversable, path: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        below = f"{path}/{entry.name}"
        if entry.is_dir():
            found += _texts(entry, below)
        elif entry.name.endswith(_SUFFIX):
            found.append((_address(below), entry.read_text("utf-8")))
    return found


def _address(file: str) -> str:
    return file.removesuffix(_SUFFIX).removesuffix("index")


def _is_copy(text: str) -> bool:
    return text.startswith("copy_of:")


def _head(text: str) -> tuple[list[tuple[str, str]], str]:
    head, _, body = text.partition("\n\n")
    pairs = (line.partition(": ") for line in head.strip().splitlines())
    return [(key, value.strip()) for key, _, value in pairs], body


def _page(path: str, text: str) -> Page:
    pairs, body = _head(text)
    head = dict(pairs)
    lang, day = head.get("lang", "en"), date.fromisoformat(head["date"])
    return Page(path, head["title"], lang, day, body.strip())


def _copy(path: str, text: str, originals: Mapping[str, Page]) -> Page:
    pairs, _ = _head(text)
    head = dict(pairs)
    source = originals["/" + head["copy_of"].removesuffix("index")]
    edits = [value.split(" => ") for key, value in pairs if key == "edit"]
    new = source.text
    for old, put in edits:
        if old not in new:
            raise ValueError(f"pages{path}: edit finds nothing of {old!r} in {source.path}")
        new = new.replace(old, put)
    return replace(
        source,
        path=path,
        title=head.get("title", source.title),
        date=date.fromisoformat(head["date"]) if "date" in head else source.date,
        text=new,
        copy_of=source.path,
        edits=len(edits) + ("title" in head),
    )
