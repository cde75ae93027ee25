"""The pages that people read, cut into what a test can hold against the code.

A fenced block is of its language: `sh`, `console` or none has commands (where some lines begin with
a prompt, those), `python` code; anything else (`text`, `json`, `toml`, `mermaid`) is shown and not
run. An HTML comment in the line above a block says what the runner has to know:
`<!-- not run: why -->`, `<!-- may fail: why -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELL = ("", "sh", "bash", "console")

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*) *$")
_MARK = re.compile(r"^<!-- (?P<kind>not run|may fail): (?P<why>.+) -->$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block, with the mark in the line above it."""

    page: str
    line: int
    language: str
    text: str
    mark: str = ""
    why: str = ""

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    def commands(self) -> list[str]:
        """What a person types, one logical line each, without comments and output."""
        if self.language not in SHELL:
            return []
        lines = self.text.splitlines()
        if any(line.startswith("$ ") for line in lines):
            lines = list(_typed(lines))
        return [line for line in _joined(lines) if line and not line.startswith("#")]


def pages() -> list[Path]:
    """Every page beside the decisions, which are history."""
    found = [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    return sorted(found)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return list(_blocks(name, read(name).splitlines()))


def prose(name: str) -> str:
    """The page without its fenced blocks and comments."""
    kept, inside = [], False
    for line in read(name).splitlines():
        if _FENCE.match(line):
            inside = not inside
            continue
        if not inside:
            kept.append(line)
    return _COMMENT.sub("", "\n".join(kept))


def spans(name: str) -> list[str]:
    """The inline code of a page."""
    return re.findall(r"`([^`\n]+)`", prose(name))


def _blocks(name: str, lines: list[str]) -> Iterator[Block]:
    opened: tuple[int, str, int] | None = None
    for number, line in enumerate(lines):
        if not (fence := _FENCE.match(line)):
            continue
        if opened is None:
            opened = (number, fence["language"], len(fence["indent"]))
            continue
        start, language, indent = opened
        opened = None
        text = "\n".join(each[indent:] for each in lines[start + 1 : number])
        mark = _MARK.match(lines[start - 1].strip()) if start else None
        kind, why = (mark["kind"], mark["why"]) if mark else ("", "")
        yield Block(name, start + 1, language, text, kind, why)
    assert opened is None, f"{name}:{opened}: a block without end"


def _typed(lines: list[str]) -> Iterator[str]:
    """Of a transcript what follows a prompt, and the lines that continue it."""
    goes_on = False
    for line in lines:
        if line.startswith("$ ") or goes_on:
            yield line.removeprefix("$ ")
            goes_on = line.endswith("\\")


def _joined(lines: list[str]) -> Iterator[str]:
    """Logical lines: continued ones are one, and so is a heredoc."""
    text, until = "", ""
    for line in lines:
        if until:
            text += "\n" + line
            if line == until:
                yield text
                text, until = "", ""
            continue
        text += line.rstrip()
        if text.endswith("\\"):
            text = text[:-1].rstrip() + " "
            continue
        if heredoc := re.search(r"<<-?'?(\w+)'?", text):
            until = heredoc[1]
            continue
        yield text.strip()
        text = ""
    assert not until, f"no {until} ends: {text}"
