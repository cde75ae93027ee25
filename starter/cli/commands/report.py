"""`atlas report`: list, show and make weekly reports."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.output import Columns, Format, harmless, listing, note, pairs
from starter.cli.framework.run_follower import Ending, Following, Timeout, followed, stage_of

if TYPE_CHECKING:
    from atlas.contracts.weekly_report import WeeklyResult
    from starter.kept_reports import KeptReport

app = App(name="report", help="Weekly reports: list, show, make.")

ReportForm = Annotated[
    Literal["md", "json", "html"],
    Parameter(name=["--output", "-o"], help="md (Markdown), json or html"),
]
Week = Annotated[str | None, Parameter(help="An ISO week such as 2026-W47")]

_OPENED = "atlas-report-"
_KEPT = 24 * 3600.0

_COLUMNS: Columns[KeptReport] = {
    "week": lambda report: report.week,
    "made": lambda report: report.made_at,
    "formats": lambda report: sorted(report.hashes),
}


@app.default
@app.command(name="list")
async def list_(*, output: Format = "text") -> None:
    """List the weekly reports, latest first.

    Examples:
        atlas report list
    """
    async with connected() as atlas:
        kept = await atlas.reports()
    listing("reports", kept, output, _COLUMNS)
    if not kept and output == "text":
        note("no reports yet; make one with `atlas report make`")


@app.command
async def show(
    week: Week = None,
    /,
    *,
    output: ReportForm = "md",
    save: Annotated[Path | None, Parameter(help="Write it to this file")] = None,
    open: Annotated[bool, Parameter(help="Open it in a browser (implies -o html)")] = False,
) -> None:
    """Show the report of a week, by default the latest.

    Examples:
        atlas report show
        atlas report show 2026-W47 --open
        atlas report show -o html --save report.html
    """
    async with connected() as atlas:
        text = await atlas.report(week, "html" if open else output)
    if open:
        save = save or _for_a_browser()
    if save is None:
        sys.stdout.write(harmless_lines(text) if sys.stdout.isatty() else text)
        return
    _write(save, text)
    if open and not webbrowser.open(save.resolve().as_uri()):
        note("no browser found; open that file")


@app.command
async def make(week: Week = None, /, *, timeout: Timeout = None, output: Format = "text") -> int:
    """Make the report of a week, by default the last that ended, and wait for it.

    Making it again gives the same report, byte for byte.

    Examples:
        atlas report make
        atlas report make 2026-W47
    """
    asked = {} if week is None else {"week": week}
    async with connected() as atlas:
        run = await atlas.start("weekly_report", trigger="cli", **asked)
        following = Following(wait=True, timeout=timeout)
        return await followed(run, "weekly_report", following=following, output=output)


def _print(result: WeeklyResult) -> None:
    totals = result.totals.model_dump()
    pairs({"week": result.week, "outcome": result.outcome, "days": result.days, **totals})
    if result.message:
        note(result.message)
    note(f"Print it with `atlas report show {result.week}`; --open opens it in a browser.")


def _for_a_browser() -> Path:
    """A new file for a page that a browser opens, and may show for as long as somebody reads it;
    those of earlier days are removed."""
    from atlas.stores.temporary_folders import remove_left

    remove_left(_OPENED, older_than=_KEPT)
    return Path(tempfile.mkdtemp(prefix=_OPENED)) / "report.html"


def _write(file: Path, text: str) -> None:
    from starter.errors import InvalidRequest

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"--save: {file} cannot be written: {error.strerror}") from None
    note(f"written to {file}")


def harmless_lines(text: str) -> str:
    """The text without control characters, line by line."""
    return "".join(f"{harmless(line)}\n" for line in text.splitlines())


ENDING = Ending(_print, lambda _: True, stage_of, shape="report_result")
