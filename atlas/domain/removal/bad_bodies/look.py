"""What the recogniser sees of a page: counts and words, gathered where its tree is."""

from __future__ import annotations

from dataclasses import dataclass

TOO_LONG = 520
"""Words shown from which a page is taken for what it is."""


@dataclass(frozen=True, slots=True)
class PageLook:
    """One page as a visitor sees it. Words are counted outside navigation, header and footer."""

    title: str = ""
    headings: tuple[str, ...] = ()
    """First-level headings; without any the second-level ones, or the first short line."""
    text: str = ""
    """What is shown outside navigation, header and footer, line by line."""
    words: int = 0
    around: int = 0
    """Words in navigation, header and footer."""
    fields: int = 0
    """Words inside forms that ask for a name or a password."""
    passwords: int = 0
    names: int = 0
    """Forms without a password that ask who one is."""
    doors: int = 0
    """Links and buttons that lead to a sign-in."""
    buttons: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """The first classes and ids, of the page and of what holds its text."""
    markers: tuple[str, ...] = ()
    """Products whose page it is, by scripts and elements of theirs (`markers.py`)."""
    widgets: tuple[str, ...] = ()
    """Human checks that ordinary forms have, too."""
    noindex: bool = False
    refreshes: bool = False
    sections: int = 0
    """Headings below the first."""
    paragraphs: int = 0
    """Lines of twenty words or more."""
    code: int = 0
    """Blocks of code, tables, definition lists."""
    points: int = 0
    """Items of lists that hold more than links."""
    pictures: int = 0
    article: bool = False
    """Whether it calls itself an article, or states an author or a date."""
    path: str = ""
