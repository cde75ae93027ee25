"""Plain text: lines kept, ends trimmed, the first short line as title where there is one."""

import re

from atlas.domain.texts import fold_blank, strip_unstorable, without_soft_marks

_TITLE_LENGTH = 120  # characters; a longer first line is a paragraph
_GAPS = re.compile(r"\n{3,}")


def clean_plain(text: str) -> str:
    """The text with unix line ends, no trailing blanks and at most one empty line in a row."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    clean = without_soft_marks(strip_unstorable(unified))
    lines = (line.rstrip() for line in clean.split("\n"))
    return _GAPS.sub("\n\n", "\n".join(lines)).strip("\n")


def plain_title(text: str) -> str:
    """The first line that says something, if it is short enough for a title, else ""."""
    first = next((line for line in map(fold_blank, text.split("\n")) if line.strip("=-#*~ ")), "")
    title = first.strip("#=*~- ")
    return title if len(title) <= _TITLE_LENGTH else ""
