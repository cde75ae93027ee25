"""How a run goes, in the words of one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starter.cli.framework.durations import about

if TYPE_CHECKING:
    from starter.monitoring.run_progress import Going

_OUTCOMES = ("added", "updated", "unchanged", "failed", "skipped")


def words_of(going: Going | None, *, paused: bool = False) -> str:
    """Pages, pace, and the time that is left; or since when no worker was heard."""
    if going is None:
        return ""
    parts = [_pages(going)] if going.pages else []
    if going.silent is not None:
        parts.append(f"no worker, for {about(going.silent)}: nothing moves until one is back")
    elif going.rate and not paused:
        parts.append(_rate(going.rate))
        if going.left is not None:
            parts.append(f"about {about(going.left)} left")
    return " · ".join(parts)


def _pages(going: Going) -> str:
    pages = going.pages
    assert pages is not None
    ended = [f"{pages.ended[name]} {name}" for name in _OUTCOMES if pages.ended.get(name)]
    if pages.under_way.get("listed"):
        of = f"{going.fetched}/{pages.total} pages fetched, {pages.done} done"
    else:
        of = f"{pages.done}/{pages.total} pages done"
    return f"{of}: {', '.join(ended)}" if ended else of


def _rate(rate: float) -> str:
    return f"{rate:.1f} pages/s" if rate >= 0.5 else f"{rate * 60:.1f} pages/min"
