"""Names that the outside world relies on: task queues, search attributes, workflow ids."""

QUEUE = "atlas"
"""Workflows, network and database work."""
QUEUE_PROCESSING = "atlas-processing"
"""CPU work: bytes to text."""
QUEUE_BULK = "atlas-bulk"
"""Backfills and rebuilds."""
QUEUES = (QUEUE, QUEUE_PROCESSING, QUEUE_BULK)

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

RETENTION_DAYS = 30


def sync_workflow_id(source: str) -> str:
    """The id of the run that keeps one source in step."""
    return f"sync_pipeline:{source}"


def fetch_workflow_id(url_key: str) -> str:
    """`url_key` is the first 16 hex digits of the SHA-256 of the canonical URL: ids are never
    encrypted, so the URL itself stays out."""
    return f"fetch_url:{url_key}"
