"""One full example of every contract of `decide_deletions`."""

from pydantic import BaseModel

from atlas.contracts import decide_deletions as c

_URL = "https://example.org/a"

EXAMPLES: list[BaseModel] = [
    c.DecideDeletionsRequest(decision="approve", of="docs", urls=[_URL], trigger="cli"),
    c.DecideDeletionsResult(
        workflow_id="decide_deletions:ab",
        run_id="0190",
        outcome="nothing_held",
        pages=3,
        removed=2,
        kept=1,
        expired=[_URL],
        unknown=[_URL],
        message="approved",
    ),
    c.DecideDeletions(run_id="0190", decision="reject", of="docs", urls=[_URL]),
    c.DeletionsDecided(
        pages=3, removed=2, kept=1, expired=[_URL], unknown=[_URL], refused="unknown"
    ),
]
