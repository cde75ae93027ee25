"""The blocks of a Markdown text: paragraphs, headings, lists, tables, code (CommonMark)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from atlas.domain.chunking.markdown_block import BlockKind, MarkdownBlock
from atlas.domain.chunking.plain_lines import plain_blocks_of_lines
from atlas.domain.extraction.outline import MAX_SECTION_TITLE, MAX_SECTIONS, OutlineSection

_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def markdown_blocks(markdown: str) -> list[MarkdownBlock]:
    """The blocks of a Markdown text in order. Every character but blanks is in one of them."""
    found: list[MarkdownBlock] = []
    for each in plain_blocks_of_lines(markdown):
        if isinstance(each, MarkdownBlock):
            found += _trimmed(markdown, each)
        else:
            parsed = parsed_blocks(markdown[each.start : each.end])
            found += [_moved(block, each.start) for block in parsed]
    return found


def parsed_blocks(markdown: str) -> list[MarkdownBlock]:
    """The same, all by the parser."""
    starts = _line_starts(markdown)
    tokens = _parser().parse(markdown)
    found: list[MarkdownBlock] = []
    end = 0
    for at, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        first, last = starts[token.map[0]], starts[token.map[1]]
        if markdown[end:first].strip():  # such as a link's definition, which makes no token
            found += _trimmed(markdown, MarkdownBlock("text", end, first))
        kind = _KINDS.get(token.type, "text")
        level = int(token.tag[1]) if kind == "heading" else 0
        parts = tuple(_parts(tokens, at, kind, starts))
        opening = token.markup + token.info if token.type == "fence" else ""
        block = MarkdownBlock(kind, first, last, parts, level, opening)
        found += _trimmed(markdown, block)
        end = last
    if markdown[end:].strip():
        found += _trimmed(markdown, MarkdownBlock("text", end, len(markdown)))
    return found


def _moved(block: MarkdownBlock, by: int) -> MarkdownBlock:
    parts = tuple(part + by for part in block.parts)
    return MarkdownBlock(
        block.kind, block.start + by, block.end + by, parts, block.level, block.fence
    )


def markdown_outline(markdown: str) -> tuple[OutlineSection, ...]:
    """The headings of a text that is Markdown itself, such as a README. They have no anchors: each
    site that shows such a file makes its own."""
    blocks = markdown_blocks(markdown)
    return tuple(headings_in(markdown, blocks, [block.start for block in blocks])[:MAX_SECTIONS])


def headings_in(
    markdown: str, blocks: Sequence[MarkdownBlock], starts: Sequence[int]
) -> list[OutlineSection]:
    """The headings among the blocks, as an outline; `starts` says where each block begins in the
    document's text."""
    return [
        OutlineSection(start, block.level, _title(markdown, block), None)
        for block, start in zip(blocks, starts, strict=True)
        if block.kind == "heading"
    ]


def plain_blocks(text: str) -> list[MarkdownBlock]:
    """The paragraphs of a text without marks."""
    found: list[MarkdownBlock] = []
    start = 0
    for gap in _BLANK_LINES.finditer(text):
        found += _trimmed(text, MarkdownBlock("text", start, gap.start()))
        start = gap.end()
    return found + _trimmed(text, MarkdownBlock("text", start, len(text)))


def _title(markdown: str, heading: MarkdownBlock) -> str:
    """The words of a heading, without its marks."""
    title = _LINK.sub(r"\1", markdown[heading.start : heading.end].strip("# \t\n"))
    return title.replace("`", "").replace("**", "")[:MAX_SECTION_TITLE]


def _trimmed(markdown: str, block: MarkdownBlock) -> list[MarkdownBlock]:
    """The block without the blank lines around it; none if nothing is left. The blanks before code
    that is indented are its own."""
    piece = markdown[block.start : block.end]
    if not piece.strip():
        return []
    ahead = len(piece) - len(piece.lstrip("\n" if block.kind == "code" else None))
    start, end = block.start + ahead, block.start + len(piece.rstrip())
    parts = tuple(max(part, start) for part in block.parts)
    return [MarkdownBlock(block.kind, start, end, parts, block.level, block.fence)]


def _parts(
    tokens: Sequence[Token], at: int, kind: BlockKind, starts: Sequence[int]
) -> Iterator[int]:
    wanted = {"list": ("list_item_open", 1), "table": ("tr_open", 2)}.get(kind)
    if wanted is None:
        return
    for number in range(at + 1, len(tokens)):
        token = tokens[number]
        if token.level == 0:
            return
        if (token.type, token.level) == wanted and token.map is not None:
            yield starts[token.map[0]]


def _line_starts(markdown: str) -> list[int]:
    starts = [0, *(found.end() for found in re.finditer("\n", markdown))]
    return [*starts, len(markdown)]


@functools.cache
def _parser() -> MarkdownIt:
    """Blocks only: what stands inside them is not parsed. Headings are `#` lines: a line of dashes
    below a paragraph is a rule in what Atlas writes, and text in what people write."""
    parser = MarkdownIt("commonmark", {"maxNesting": 20, "html": False})
    parser.enable("table").disable(["lheading", "reference"])
    parser.core.ruler.enableOnly(["block"])  # not "normalize": offsets are those of the text given
    return parser
