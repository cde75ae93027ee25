"""What people send is refused by field, value and mend; the schema says what is accepted."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from atlas.contracts.audit_corpus import AuditRequest
from atlas.contracts.collect import AddUrls, CollectAllRequest, CollectRequest, HourlyRequest
from atlas.contracts.daily_cleanup import CleanupRequest
from atlas.contracts.decide_deletions import DecideDeletionsRequest
from atlas.contracts.deduplicate_documents import DeduplicateRequest
from atlas.contracts.export_corpus import DocumentFilter, ExportRequest
from atlas.contracts.fetch_url import FetchUrlRequest
from atlas.contracts.health import HealthRequest
from atlas.contracts.models import Counts, Request, explain
from atlas.contracts.processing import BatchQuery, BatchRequest, ProcessRequest
from atlas.contracts.purge_documents import PurgeRequest
from atlas.contracts.push_documents import PushedDocument, PushRequest
from atlas.contracts.rebuild_index import RebuildRequest
from atlas.contracts.restore_documents import RestoreRequest
from atlas.contracts.sync_pipeline import SyncRequest
from atlas.contracts.weekly_report import WeeklyRequest
from atlas.contracts.work import Limits
from atlas.docstrings import describe

REQUESTS = [
    HealthRequest,
    AuditRequest,
    PurgeRequest,
    ExportRequest,
    DocumentFilter,
    CleanupRequest,
    SyncRequest,
    CollectRequest,
    CollectAllRequest,
    HourlyRequest,
    AddUrls,
    Limits,
    FetchUrlRequest,
    ProcessRequest,
    BatchRequest,
    BatchQuery,
    DeduplicateRequest,
    RebuildRequest,
    PushedDocument,
    PushRequest,
    RestoreRequest,
    WeeklyRequest,
    DecideDeletionsRequest,
]


def refusal(model: type[BaseModel], given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    return explain(caught.value, model)


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        (SyncRequest, {"source": ["docs"]}, ["source:", "['docs']", "did you mean 'sources'?"]),
        (SyncRequest, {"sources": ["docs"], "x": 7}, ["x: unknown field", "7", "wait_for_lease"]),
        (SyncRequest, {"sources": "docs"}, ["sources: 'docs'", "valid list"]),
        (PushRequest, {}, ["name a document", '"withdraw"']),
        (PushRequest, {"withdraw": ["https://a.example/"] * 201}, ["withdraw", "200"]),
        (PushedDocument, {"url": "https://a.example/", "snapshot": "xy"}, ["snapshot", "'xy'"]),
        (
            PushedDocument,
            {"url": "https://a.example/", "snapshot": "0" * 64, "content_type": "html"},
            ["content_type", "'html'"],
        ),
        (RestoreRequest, {}, ["exactly one of 'urls', 'run' and 'source'", "none"]),
        (RestoreRequest, {"run": "r", "source": "d"}, ["'run' and 'source'"]),
        (RestoreRequest, {"source": "docs"}, ["'source' needs 'since'"]),
        (RestoreRequest, {"run": "r", "since": "2026-11-28T10:00Z"}, ["'since' goes with"]),
        (RestoreRequest, {"source": "d", "since": "2026-11-28T10:00"}, ["since:", "timezone"]),
        (RestoreRequest, {"urls": ["a", "b"], "version": 2}, ["'version' goes with one URL"]),
        (SyncRequest, {"sources": ["Docs!"]}, ["sources.0: 'Docs!'", "match pattern"]),
        (SyncRequest, {"sources": ["docs"], "lanes": "3"}, ["lanes: '3'", "valid integer"]),
        (SyncRequest, {"sources": ["docs"], "lanes": 0}, ["lanes: 0", "greater than or equal to"]),
        (SyncRequest, {"sources": ["docs"], "trigger": "me"}, ["trigger: 'me'", "'schedule'"]),
        (SyncRequest, {"sources": ["d"], "all": True}, ["either 'sources' or 'all'"]),
        (SyncRequest, {"sources": ["d"] * 501}, ["sources:", "at most 500"]),
        (SyncRequest, {"all": True, "due": True, "mode": "full"}, ["'due' means", "'full'"]),
        (SyncRequest, {"all": True, "retry_failed": True}, ["'retry_failed'", "'incremental'"]),
        (SyncRequest, {"all": True, "stages": ["reconcile"]}, ["'reconcile'", "add one"]),
        (SyncRequest, {"all": True, "stages": ["index"]}, ["stages.0: 'index'", "'process'"]),
        (SyncRequest, {"all": True, "mode": "failed", "stages": ["process"]}, ["add 'fetch'"]),
        (SyncRequest, {"all": True, "limits": {"pages": 0}}, ["limits.pages: 0", "or equal to 1"]),
        (CollectRequest, {"source": "d", "mode": "all"}, ["mode: 'all'", "'incremental'"]),
        (AddUrls, {"urls": ["x" * 60_001]}, ["60001 bytes", "several updates"]),
        (SyncRequest, {}, ['{"sources": ["docs"]}', '{"all": true}']),
        (SyncRequest, [], ["input: []", "valid dictionary"]),
        (FetchUrlRequest, {"URL": "https://a"}, ["url: missing", "did you mean 'url'?"]),
        (FetchUrlRequest, {"url": "a", "timeout": 601}, ["timeout: 601", "less than or equal"]),
        (FetchUrlRequest, {"url": 5}, ["url: 5", "valid string"]),
        (CleanupRequest, {"dryrun": True}, ["dryrun: unknown field", "did you mean 'dry_run'?"]),
        (CleanupRequest, {"max_deletions": 0}, ["max_deletions: 0", "greater than or equal to 1"]),
        (CleanupRequest, {"classes": ["all"]}, ["classes.0: 'all' refused", "'versions'"]),
        (CleanupRequest, {"now": "2026-01-01T00:00:00Z"}, ["now: unknown field"]),
        (ProcessRequest, {}, ["exactly one of 'url', 'page' and 'snapshot', not none"]),
        (ProcessRequest, {"page": 0}, ["page: 0", "greater than 0"]),
        (ProcessRequest, {"snapshot": "AB"}, ["snapshot: 'AB'", "match pattern"]),
        (BatchRequest, {}, ["exactly one of", '{"query": {}} means every document']),
        (BatchRequest, {"urls": []}, ["urls: []", "at least 1"]),
        (BatchRequest, {"pages": [1] * 1001}, ["pages:", "at most 1000"]),
        (RebuildRequest, {"min_overlap": 2.0}, ["min_overlap: 2.0", "less than or equal to 1"]),
        (AuditRequest, {"sample": 501}, ["sample: 501", "less than or equal to 500"]),
        (ExportRequest, {"to": "corpus"}, ["'to' is an absolute path, or s3://"]),
        (ExportRequest, {"to": "/c", "only": {"lang": "de"}}, ["only.lang:", "mean 'langs'?"]),
        (ExportRequest, {"to": "/c", "format": "csv"}, ["format: 'csv'", "'jsonl'"]),
        (DocumentFilter, {"prefix": "example.org"}, ["'prefix' begins with http://"]),
        (PurgeRequest, {}, ["exactly one of 'urls', 'source' and 'host'"]),
        (PurgeRequest, {"host": "a", "reason": "J. Doe asked"}, ["reason: 'J. Doe asked'"]),
        (DeduplicateRequest, {"threshold": 0.1}, ["threshold: 0.1", "equal to 0.3"]),
        (WeeklyRequest, {"week": "47"}, ["week: '47'"]),
        (DecideDeletionsRequest, {"of": "docs"}, ["decision: missing"]),
        (DecideDeletionsRequest, {"of": "d", "decision": "yes"}, ["decision: 'yes'", "'approve'"]),
        (BatchRequest, {"query": {"sorce": "docs"}}, ["query.sorce:", "did you mean 'source'?"]),
    ],
)
def test_a_refusal_names_field_value_and_mend(
    model: type[Request], given: Any, words: list[str]
) -> None:
    message = refusal(model, given)
    assert message.startswith(model.__name__)
    assert [word for word in words if word not in message] == [], message


def test_a_huge_value_is_shown_cut() -> None:
    assert len(refusal(SyncRequest, {"sources": "x" * 100_000})) < 400


@pytest.mark.parametrize("model", REQUESTS)
def test_the_schema_says_everything_about_a_request(model: type[Request]) -> None:
    schema = describe(model).model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["description"]
    assert [
        name for name, field in schema["properties"].items() if "description" not in field
    ] == []


def test_every_request_is_known_to_these_tests() -> None:
    assert set(Request.__subclasses__()) == set(REQUESTS)


def test_counts_add_up() -> None:
    one = Counts(seen=6, added=1, updated=2, unchanged=1, failed=1, skipped=1)
    both = one + one
    assert (both.seen, both.done, both.changed) == (12, 12, 6)


@pytest.mark.parametrize("modified", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_utc_does_not_have_is_refused(modified: str) -> None:
    with pytest.raises(ValidationError, match="between the years 1 and 9999"):
        PushedDocument(url="https://wiki.example.org/a", snapshot="0" * 64, modified=modified)
