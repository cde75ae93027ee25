"""Rendering: a page's HTML as its scripts leave it. Which pages are rendered, and its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from atlas.domain.addresses.reach import Reach
from atlas.domain.errors import ErrorClass, PageError

Render = Literal["never", "when_needed", "always"]
"""Which pages of a source a browser renders."""

NEEDS_BROWSER = "needs_browser"
"""Code of a page whose text is made by scripts, and whose body holds none."""
NO_BROWSER = "no_browser"
"""Code of a page that was to be rendered, when no worker had a browser."""
_HTML = frozenset(("text/html", "application/xhtml+xml"))


def renders_at_once(rule: Render, content_type: str | None) -> bool:
    """Whether a page is rendered whatever its body holds: a file is not."""
    return rule == "always" and content_type in _HTML


def renders_failed(rule: Render, error: PageError) -> bool:
    """Whether a page that failed in processing is rendered."""
    return rule != "never" and error.code == NEEDS_BROWSER


def still_empty(error: PageError) -> PageError:
    """The failure of a page that a browser rendered and that shows nothing all the same."""
    message = f"its text is not there after its scripts ran, either ({error.message})"
    return PageError(ErrorClass.INVALID, "rendered_empty", message)


def unrendered() -> PageError:
    """The failure of a page that is always rendered, before it is: what its server sent is not its
    text."""
    message = "it is to be rendered always, and this body is what its server sent"
    return PageError(ErrorClass.INVALID, NEEDS_BROWSER, message)


def without_browser() -> PageError:
    """The failure of a page of a source that no worker could render."""
    message = (
        "its source says to render it, and no worker has a browser: set ATLAS_BROWSER for one, or "
        "`--render never` for the source"
    )
    return PageError(ErrorClass.TRANSIENT, NO_BROWSER, message)


def not_rendered(because: str | None) -> PageError:
    """The failure of a single page that no worker could render; `because`: why it needs to be."""
    message = (
        f"{because}; no worker has a browser: install Chromium on a worker's machine, set "
        "ATLAS_BROWSER to its path and restart that worker"
    )
    return PageError(ErrorClass.TRANSIENT, NO_BROWSER, message)


def left_unrendered(pages: int) -> str:
    """Of a run that asks nothing of the web: how many pages it could not read, and what can."""
    if not pages:
        return ""
    many = "1 page needs" if pages == 1 else f"{pages} pages need"
    return (
        f"{many} a browser, which only syncs and `atlas fetch --render` use: "
        "`atlas sources edit NAME --render when_needed`, and sync its source"
    )


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """What rendering one page may take. `requests` that the page makes, `bytes` that pass through
    the network both ways, `html` in characters of the result."""

    seconds: float = 30.0
    requests: int = 300
    bytes: int = 32 << 20
    html: int = 8 << 20


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One page to render; `reach`, `led_by` and `authorized` as in FetchRequest."""

    url: str
    reach: Reach
    led_by: tuple[str, ...] = ()
    authorized: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """What a browser made of a page, and what that took."""

    html: str
    status: int
    requests: int = 0
    transferred: int = 0
    """Bytes, both ways together."""
    elapsed: float = 0.0
    refused: tuple[str, ...] = field(default=())
    """What the page asked for and did not get, with the reasons: the first of them."""
