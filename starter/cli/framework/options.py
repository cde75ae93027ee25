"""Arguments and options that several commands have."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from starter.cli.framework.durations import duration

SourceName = Annotated[str, Parameter(help="Name of a source")]
HostName = Annotated[str, Parameter(help="Name of a host, with :PORT if it is not the default")]
OfSource = Annotated[str | None, Parameter(help="Only pages of this source")]
Language = Annotated[str | None, Parameter(help="Only this language, such as de")]
First = Annotated[int | None, Parameter(help="At most this many")]
StaleAfter = Annotated[
    str | None,
    Parameter(help="How late a source may be, such as 30m or 6h; by default its own tolerance"),
]
DryRun = Annotated[bool, Parameter(help="Show what would change, and change nothing")]
Sample = Annotated[int, Parameter(help="With --dry-run: look at so many pages")]


def tolerance(stale_after: str | None) -> timedelta | None:
    """The value of `--stale-after`; None: each source's own. Raises `InvalidRequest`."""
    return None if stale_after is None else duration("--stale-after", stale_after)
