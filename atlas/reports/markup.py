"""HTML and SVG elements whose text and attributes are always escaped."""

from __future__ import annotations

from html import escape

_VOID = frozenset({"meta", "br", "rect", "line", "path", "circle", "polyline"})
_HTML_VOID = frozenset({"meta", "br"})


class Markup(str):
    """A piece of a page, escaped already. Only `tag`, `trusted` and `join` make one."""

    __slots__ = ()


def trusted(text: str) -> Markup:
    """Text of our own that is markup already, such as a style sheet."""
    return Markup(text)


def join(parts: list[Markup], between: str = "") -> Markup:
    """Several pieces, one after the other."""
    return Markup(between.join(parts))


def tag(name: str, /, *children: str, **attributes: str | float | None) -> Markup:
    """An element. Children that are no `Markup` are text and get escaped, attributes always.

    A trailing underscore is dropped from an attribute's name, others become hyphens; None leaves
    it out. Numbers are written with two decimals at most.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_shown(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>" if name in _HTML_VOID else f"<{name}{written}/>")
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
