"""Tables of a page: names in the first column, figures in the others."""

from __future__ import annotations

from collections.abc import Sequence

from atlas.reports.markup import Markup, tag


def table(heads: Sequence[str], rows: Sequence[Sequence[Markup]]) -> Markup:
    """On a narrow screen a row's name has a line of its own: the style sheet makes grids of
    the rows, which would take their meaning from screen readers, hence the roles."""
    head = tag(
        "tr",
        *(
            tag("th", text, scope="col", role="columnheader", class_="n" if place else "lead")
            for place, text in enumerate(heads)
        ),
        role="row",
    )
    body = tag("tbody", *(tag("tr", *row, role="row") for row in rows), role="rowgroup")
    return tag(
        "table",
        tag("thead", head, role="rowgroup"),
        body,
        class_=f"c{len(heads) - 1}",
        role="table",
    )


def named(*content: str) -> Markup:
    """The first cell of a row."""
    return tag("th", *content, scope="row", role="rowheader")


def figure(text: str, small: str = "", extra: Markup | None = None) -> Markup:
    """A cell with a figure, and what there is to say about it below."""
    inside = [tag("span", text), *([tag("span", small, class_="small")] if small else [])]
    return tag("td", *inside, *([extra] if extra else []), class_="n", role="cell")


def small(text: str) -> Markup:
    """A line below a name."""
    return tag("span", text, class_="small")
