"""One full example of every contract of `push_documents`."""

from datetime import UTC, datetime

from pydantic import BaseModel

from atlas.contracts import push_documents as p
from atlas.contracts.models import Counts

_COUNTS = Counts(seen=9, added=3, updated=2, unchanged=1, failed=2, skipped=1)
_DOCUMENT = p.PushedDocument(
    url="https://wiki.example.org/howto",
    snapshot="ab" * 32,
    content_type="text/html; charset=latin1",
    title="How to moor",
    modified=datetime(2026, 11, 28, 10, tzinfo=UTC),
)
_PAGE = p.PushedPage(
    url="https://wiki.example.org/howto",
    result="failed",
    version=3,
    snapshot="ab" * 32,
    code="no_text",
    reason="no visible text in this html body",
)

EXAMPLES: list[BaseModel] = [
    _DOCUMENT,
    p.PushRequest(
        documents=[_DOCUMENT],
        withdraw=["https://wiki.example.org/old"],
        source="wiki",
        place=7,
        confirmed=True,
        trigger="cli",
    ),
    _PAGE,
    p.PushResult(
        workflow_id="push_documents:ab",
        run_id="0190",
        outcome="completed_with_failures",
        source="wiki",
        counts=_COUNTS,
        removed=1,
        missing=1,
        pages=[_PAGE],
        message="none",
        events=42,
    ),
    p.AcceptPush(
        run_id="0190",
        documents=[_DOCUMENT],
        withdraw=["https://wiki.example.org/old"],
        source="wiki",
        place=7,
    ),
    p.PushAccepted(refused="none", source="wiki", pages=2, counts=_COUNTS),
    p.EndPush(run_id="0190", cancelled=True, outcomes=True, confirmed=True),
    p.PushEnded(
        outcome="held", counts=_COUNTS, removed=1, missing=1, pages=[_PAGE], message="none"
    ),
]

LEAST: dict[type[BaseModel], dict[str, object]] = {
    p.PushRequest: {"withdraw": ["https://wiki.example.org/old"]}
}
