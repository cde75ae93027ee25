"""CSS selectors as they are declared: checked here, run as XPath where there is a tree.

`cssselect` knows what browsers know of a document at rest. What depends on a reader (`:hover`), on
a name space or on a pseudo-element selects nothing in a stored page, so it is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache

from cssselect import HTMLTranslator, SelectorError

MAX_SELECTOR_LENGTH = 300
"""Characters in one selector."""

_NEVER = re.compile(
    r":(?:hover|active|focus|visited|target|focus-within|focus-visible)(?![\w-])", re.IGNORECASE
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_NAMESPACE = re.compile(r"\|(?!=)")
_SAMPLES = "write one such as 'article', '.byline', '#main > p' or 'meta[name=author]'"


def check_selector(name: str, selector: str) -> None:
    """Raises ValueError naming field `name`, value and fix for what is no selector, or one that
    could never match a stored page."""
    if len(selector) > MAX_SELECTOR_LENGTH:
        raise ValueError(
            f"{name}: {selector[:60] + '…'!r} has {len(selector)} characters, at most "
            f"{MAX_SELECTOR_LENGTH}: write several shorter selectors"
        )
    bare = _QUOTED.sub("", selector)
    if found := _NEVER.search(bare):
        raise ValueError(
            f"{name}: {selector!r} would never match: {found.group()} depends on a reader; "
            "leave it out"
        )
    if _NAMESPACE.search(bare):
        raise ValueError(
            f"{name}: {selector!r} refused: pages have no name spaces; name the element alone"
        )
    try:
        xpath_of(selector)
    except (SelectorError, RecursionError, ValueError) as error:
        raise ValueError(
            f"{name}: {selector!r} is no CSS selector: {str(error).rstrip('.')}; {_SAMPLES}"
        ) from None


@lru_cache(maxsize=512)
def xpath_of(selector: str) -> str:
    """The XPath 1.0 expression that selects the same elements. Raises SelectorError."""
    return _COUNTED.sub(_by_position, HTMLTranslator().css_to_xpath(selector))


def compares_siblings(selector: str) -> bool:
    """Whether it takes time in the square of the number of siblings, as `li ~ li` does."""
    return _ALL_SIBLINGS.search(xpath_of(selector)) is not None


def _by_position(found: re.Match[str]) -> str:
    """Counting all siblings of each sibling takes forever on a long list; looking for the first,
    or for one at a position, does not."""
    siblings, sign, number = found[1], found[2], int(found[3])
    beyond = f"not({siblings}[{number + 1}])"
    if sign == "<=" or not number:
        return beyond
    return f"({siblings}[{number}] and {beyond})"


_COUNTED = re.compile(r"count\(((?:preceding|following)-sibling::[\w*-]+)\) (=|<=) (\d+)")
_ALL_SIBLINGS = re.compile(r"sibling::[\w*-]+(?![\w*-]|\[\d+\])")
