"""What a sync saves on pages that came with another body and say the same.

Real pages are served once more as sites serve them: with other advertisements in their scripts,
other tokens, other versions of styles and scripts, and a comment of when they were built. Each is
prepared in turn as if it were new, and with the digest of what was read of it before.

Run `python -m benchmarks read_again`.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from atlas.domain.errors import PageError
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.text.markup.read_digest import ReadBefore
from atlas.text.prepare import prepare, warm_up
from benchmarks.datasets import DATA
from benchmarks.page_sets import KnownPage, articles, mixed

_SCRIPT = re.compile(r"(<script\b(?![^>]*json)[^>]*>)(?=[^<]*\S)", re.IGNORECASE)
_LOADED = re.compile(r"(<script\b[^>]*\bsrc=[\"'][^\"'?]+)", re.IGNORECASE)
_HIDDEN = re.compile(r"(<input\b[^>]*type=[\"']hidden[\"'][^>]*value=[\"'])", re.IGNORECASE)


def served(html: str, at: int) -> str:
    """The page as it is served at some time: with what changes from one request to the next."""
    html = _SCRIPT.sub(rf"\1/* slot {at} */", html)
    html = _HIDDEN.sub(rf"\g<1>{at}", _LOADED.sub(rf"\1?build={at}", html))
    token = f"<meta name=csrf-token content={at}></head>"
    return html.replace("</head>", token, 1) + f"<!-- built {at} -->"


@dataclass
class CpuSpent:
    """Seconds of CPU, of pages read and of pages known."""

    whole: float = 0.0
    known: float = 0.0
    pages: int = 0
    skipped: int = 0

    def look_at(self, page: KnownPage) -> None:
        """Prepare both ways what says the same as the page."""
        _, first = _timed(_job(served(page.html, 1)))
        digest = first.extracted.read_digest if first else None
        job = _job(served(page.html, 2))
        whole, made = _timed(job)
        if made is None or first is None or made.extracted != first.extracted:
            return  # an error, or it says something else: that is extracted in any case
        spent, again = _timed(replace(job, known=digest))
        self.whole, self.known = self.whole + whole, self.known + spent
        self.pages, self.skipped = self.pages + 1, self.skipped + (again is None)


def _job(html: str) -> PrepareJob:
    return PrepareJob(html.encode(), "text/html", "utf-8", "https://site.example/page")


def _timed(job: PrepareJob) -> tuple[float, Prepared | None]:
    began = time.process_time()
    try:
        made: Prepared | None = prepare(job)
    except (PageError, ReadBefore):
        made = None
    return time.process_time() - began, made


def main() -> None:
    """Print a line for each set that is there."""
    warm_up()
    sets: dict[str, Callable[[], list[KnownPage]]] = {"articles": articles, "mixed": mixed}
    for name, read in sets.items():
        pages = read()
        if not pages:
            print(f"{name}: skipped, {DATA} has none; set ATLAS_BENCH_DATA to the data's folder")
            continue
        spent = CpuSpent()
        for page in pages:
            spent.look_at(page)
        each = 1000 / spent.pages
        print(
            f"{name}: {spent.pages} of {len(pages)} pages say the same as before, "
            f"{spent.skipped / spent.pages:.0%} of them by their digest; "
            f"{spent.whole * each:.1f} ms of CPU a page extracted, {spent.known * each:.1f} known: "
            f"{spent.whole / spent.known:.1f} times"
        )


if __name__ == "__main__":
    main()
