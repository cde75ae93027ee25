"""The shapes of what commands print as JSON, each with its version.

Within a version fields are only added. A field that goes, or changes its meaning, makes the next
version; `docs/json.md` describes each.
"""

from __future__ import annotations

VERSIONS = {
    "started": 1,
    "result": 1,
    "sync_result": 1,
    "fetch_result": 1,
    "report_result": 1,
    "reports": 1,
    "search": 1,
    "runs": 1,
    "retried": 1,
    "limit": 1,
    "limits": 1,
    "host": 1,
    "hosts": 1,
    "host_reset": 1,
    "run": 1,
    "outcomes": 1,
    "doctor": 1,
    "config": 1,
    "config_check": 1,
    "source": 1,
    "source_rules": 1,
    "sources": 1,
    "source_added": 1,
    "source_removed": 1,
    "generations": 1,
    "migrated": 1,
    "documents": 1,
    "document": 1,
    "quarantined": 1,
    "schedule_changes": 1,
    "schedules": 1,
    "status": 1,
    "overview": 1,
    "freshness": 1,
}


def schema_of(shape: str) -> str:
    """`name/version`, as the `schema` field says it."""
    return f"{shape}/{VERSIONS[shape]}"
