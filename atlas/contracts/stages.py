"""The stage of a run that each activity belongs to, as `atlas top` shows it."""

from __future__ import annotations

from collections.abc import Iterable

STAGES_OF_ACTIVITIES = {
    # Many sources
    "resolve_sources": "plan",
    "plan_sources": "plan",
    "next_sources": "plan",
    # One source, in the order of a document's way
    "open_run": "begin",
    "begin_job": "begin",
    "list_level": "discover",
    "enlist_urls": "discover",
    "select_pages": "discover",
    "claim_batch": "fetch",
    "fetch_batch": "fetch",
    "fetch_one": "fetch",
    "process_batch": "process",
    "work_chunk": "process",
    "settle_batch": "index",
    "close_run": "end",
    "end_job": "end",
    "wind_up": "end",
    # Whatever else a run is asked to do
    "apply_limits": "apply limits",
    "pause_run": "pause run",
    "record_pause": "record pause",
    # rebuild_index
    "start_generation": "start generation",
    "copy_texts": "copy texts",
    "check_generation": "check generation",
    "switch_generation": "switch generation",
    "mark_settled": "mark settled",
    "drop_generations": "drop generations",
    # deduplicate_documents
    "describe_scope": "describe scope",
    "check_part": "check part",
    "decide_groups": "decide groups",
    "report_groups": "report groups",
    "forget_groups": "forget groups",
    # daily_cleanup and weekly_report
    "begin_cleanup": "begin cleanup",
    "scan_blobs": "scan blobs",
    "mend_missing": "mend missing",
    "sweep": "sweep",
    "condemn_blobs": "condemn blobs",
    "end_cleanup": "end cleanup",
    "choose_week": "choose week",
    "freeze_days": "freeze days",
    "make_report": "make report",
    # health_check
    "check_concern": "check concern",
    "tell_health": "tell health",
}
"""Activity → stage. Workers of another version may run activities that are not here."""

_ORDER = list(dict.fromkeys(STAGES_OF_ACTIVITIES.values()))


def stages_of(activities: Iterable[str]) -> list[str]:
    """The stages of activities under way, each once: in the table's order, then those of activities
    that this version does not know, by their names."""
    stages = {STAGES_OF_ACTIVITIES.get(name, name.replace("_", " ")) for name in activities}
    known = [stage for stage in _ORDER if stage in stages]
    return [*known, *sorted(stages - set(known))]
