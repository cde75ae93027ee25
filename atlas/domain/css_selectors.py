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
    return HTMLTranslator().css_to_xpath(selector)
