"""The workflow types: each with its contracts, its id and an example. Everything that lists them
(the answer to an unknown type, `atlas schema`, `atlas start`, the client, the docs) reads this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult
from atlas.contracts.models import Message, Request
from atlas.contracts.names import digest_of, fetch_workflow_id, sync_request_id
from atlas.contracts.sync_pipeline import SyncRequest, SyncResult

FIRST, EARLY, NORMAL, LATE, LAST = 1, 2, 3, 4, 5
"""Temporal's priority keys: what a person waits for goes before what runs by itself."""


@dataclass(frozen=True, slots=True)
class WorkflowType:
    """One public workflow type."""

    name: str
    request: type[Request]
    result: type[Message]
    purpose: str
    """One line."""
    example: dict[str, Any]
    """The smallest sensible input."""
    workflow_id: Callable[[Any], str]
    """The id under which equal requests meet; never with a URL in it, since ids are not encrypted.
    Given the request."""
    priority: int = NORMAL
    """When a person starts it; schedules start everything with NORMAL or later."""


_TYPES = (
    WorkflowType(
        "fetch_url",
        FetchUrlRequest,
        FetchUrlResult,
        "Get one URL now",
        {"url": "https://example.org/"},
        lambda request: fetch_workflow_id(digest_of(request.url)),
        FIRST,
    ),
    WorkflowType(
        "sync_pipeline",
        SyncRequest,
        SyncResult,
        "Bring the corpus in step with one source, several, or all",
        {"sources": ["docs"]},
        lambda request: sync_request_id(request.sources, all=request.all),
        EARLY,
    ),
)

WORKFLOWS: dict[str, WorkflowType] = {each.name: each for each in _TYPES}
