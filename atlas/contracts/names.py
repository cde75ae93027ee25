"""Names that the outside world relies on: task queues, search attributes, workflow ids."""

import hashlib
from collections.abc import Sequence
from typing import Literal

QUEUE = "atlas"
"""Workflows, network and database work."""
QUEUE_PROCESSING = "atlas-processing"
"""CPU work: bytes to text."""
QUEUE_BULK = "atlas-bulk"
"""Bulk work: batches, rebuilds, deduplication, clean-ups."""
QUEUES = (QUEUE, QUEUE_PROCESSING, QUEUE_BULK)
"""What every deployment serves."""
QUEUE_RENDERING = "atlas-rendering"
"""Pages to render: only workers that have a browser serve it, and there may be none."""

CleanupClass = Literal[
    "temporary",
    "snapshots",
    "versions",
    "documents",
    "prepared",
    "tombstones",
    "pages",
    "runs",
    "ledger",
    "generations",
    "hosts",
    "robots",
    "artifacts",
    "changes",
    "freshness",
]
"""What `daily_cleanup` deletes, by class."""


def queues_named(names: Sequence[str], *, browser: bool = False) -> tuple[str, ...]:
    """The task queues of these names, in their order; when none is named, all that can be served:
    that of rendering with a `browser`.

    Raises ValueError that lists those there are, or says what is missing.
    """
    known = (*QUEUES, QUEUE_RENDERING)
    for name in names:
        if name not in known:
            raise ValueError(f"queues: no task queue '{name}'; there are {', '.join(known)}")
        if name == QUEUE_RENDERING and not browser:
            raise ValueError(f"queues: {name} needs a browser; set ATLAS_BROWSER to its path")
    served = known if browser else QUEUES
    return tuple(queue for queue in served if not names or queue in names)


ATTRIBUTE_SOURCE = "AtlasSource"
ATTRIBUTE_TRIGGER = "AtlasTrigger"
ATTRIBUTE_OUTCOME = "AtlasOutcome"
ATTRIBUTE_CHANGED = "AtlasDocsChanged"
SEARCH_ATTRIBUTES = {
    ATTRIBUTE_SOURCE: "Keyword",
    ATTRIBUTE_TRIGGER: "Keyword",
    ATTRIBUTE_OUTCOME: "Keyword",
    ATTRIBUTE_CHANGED: "Int",
}
"""Every search attribute a workflow sets, with its type: a worker refuses to start without them."""


def sync_workflow_id(source: str) -> str:
    """The id of the run that keeps one source in step."""
    return f"sync_pipeline:{source}"


def fetch_workflow_id(url_key: str) -> str:
    """`url_key` is the first 16 hex digits of the SHA-256 of the canonical URL: ids are never
    encrypted, so the URL itself stays out."""
    return f"fetch_url:{url_key}"


def collect_workflow_id(source: str) -> str:
    """The id of the run that collects one source."""
    return f"collect_from_source:{source}"


def sync_request_id(sources: Sequence[str], *, all: bool, tags: Sequence[str] = ()) -> str:
    """The id of a sync: the source's; for all sources, one that no source can have; for several,
    by their names, so that equal requests meet and others do not."""
    if all:
        return sync_workflow_id("ALL")
    names = sorted(set(sources))
    if tags:
        digest = digest_of(*names, "tags", *sorted(set(tags)))[:8]
        return sync_workflow_id(f"TAG-{min(tags)}-{digest}")
    if len(names) == 1:
        return sync_workflow_id(names[0])
    return sync_workflow_id(f"{names[0]}+{len(names) - 1}-{digest_of(*names)[:8]}")


def dedup_workflow_id(sources: Sequence[str]) -> str:
    """The id of a deduplication: one at a time of the same sources, or of all."""
    of = sync_request_id(sources, all=not sources).partition(":")[2]
    return f"deduplicate_documents:{of}"


def digest_of(*parts: str) -> str:
    """First 16 hex digits of the SHA-256 of the parts, one a line: names work in workflow ids,
    which are never encrypted, without telling what it is about."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
