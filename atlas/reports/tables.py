"""Tables of a page as plain values: names in the first column, figures in the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meter:
    """A small bar: `share` of its width, 0 to 1, in a colour of the style sheet."""

    share: float
    colour: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and what there is to say about it below."""

    text: str
    small: str = ""
    meter: Meter | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """A word beside a name; `calm` ones call for nobody."""

    text: str
    calm: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A name with flags beside and notes below, then its figures."""

    name: str
    cells: Sequence[Cell]
    flags: Sequence[Flag] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Heads of all columns, the names' first."""

    heads: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of the page: a table, or `empty` where there is nothing to show."""

    title: str
    table: Table
    empty: str = ""
    about: str = ""
    rest: str = ""
    """What is said below a table that leaves rows out."""
