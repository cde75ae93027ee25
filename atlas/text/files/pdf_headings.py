"""Which blocks of a PDF are headings: what is larger than most of the text, the largest of the
first level; below these a line or two of bold letters, where most of the text is not bold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from atlas.text.files.pdf_layout import LEADERS, PdfBlock, rounded

_LARGE = 1.15  # times the usual size from which a line is a heading
_LONGEST_HEADING = 200  # characters
_MAX_LEVELS = 4
_BOLD = 0.3  # of a text up to which bold letters mean something
_NO_HEADING = ".,;:。，；："


def with_headings(pages: Sequence[Sequence[PdfBlock]]) -> None:
    """Set the levels of headings, by the sizes of all pages."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for block in page:
            sizes[rounded(block.size)] += sum(map(len, block.lines or map("".join, block.rows)))
    if not sizes:
        return
    usual = sizes.most_common(1)[0][0]
    large = sorted({rounded(b.size) for page in pages for b in page if _is_heading(b, usual)})
    levels = {size: min(at, _MAX_LEVELS) for at, size in enumerate(reversed(large), 1)}
    bold = sum(sum(map(len, block.lines)) for page in pages for block in page if block.bold)
    marks = bold <= _BOLD * sum(sizes.values())
    for page in pages:
        for at, block in enumerate(page):
            if _is_heading(block, usual):
                block.level = levels[rounded(block.size)]
            elif marks and _is_bold_heading(block, usual) and page[at + 1 : at + 2]:
                block.level = min(len(levels) + 1, _MAX_LEVELS)


def _is_heading(block: PdfBlock, usual: float) -> bool:
    if block.kind != "text" or rounded(block.size) < _LARGE * usual:
        return False
    text = " ".join(block.lines)
    letters = sum(map(str.isalpha, text))
    return letters > 1 and len(text) <= _LONGEST_HEADING and not LEADERS.search(text)


def _is_bold_heading(block: PdfBlock, usual: float) -> bool:
    """Whether it is a line or two of bold letters, no smaller than the text, and no sentence."""
    if block.kind != "text" or not block.bold or rounded(block.size) < usual:
        return False
    text = " ".join(block.lines)
    return (
        len(block.lines) <= 2
        and len(text) <= _LONGEST_HEADING / 2
        and text[-1] not in _NO_HEADING
        and any(map(str.isalpha, text))
    )
