"""The stage of a run that each activity belongs to, as `atlas top` shows it."""

from __future__ import annotations

from collections.abc import Iterable

_SHARED = {
    # In the order of a document's way
    "plan": ("resolve_sources", "plan_sources", "next_sources"),
    "begin": ("open_run", "begin_job"),
    "discover": ("list_level", "enlist_urls", "select_pages", "select_restores"),
    "fetch": ("claim_batch", "fetch_batch", "fetch_one"),
    "render": ("render_batch", "render_one", "give_up_without_browser", "give_up_one"),
    "process": ("process_batch", "work_chunk"),
    "index": ("settle_batch", "restore_chunk"),
    "end": ("close_run", "end_job", "wind_up", "end_restore"),
}
_BY_NAME = (
    # Whatever else a run is asked to do
    *("apply_limits", "pause_run", "record_pause"),
    # rebuild_index
    *("start_generation", "copy_texts", "check_generation", "switch_generation"),
    *("mark_settled", "drop_generations"),
    # deduplicate_documents
    *("describe_scope", "check_part", "decide_groups", "report_groups", "forget_groups"),
    # daily_cleanup and weekly_report
    *("begin_cleanup", "scan_blobs", "mend_missing", "sweep", "condemn_blobs", "end_cleanup"),
    *("choose_week", "freeze_days", "make_report"),
    # decide_deletions
    "decide_deletions",
    # audit_corpus
    *("audit_part", "recheck_findings", "end_audit"),
    # purge_documents
    *("purge_part", "erase_again", "end_purge"),
    # export_corpus
    *("choose_export", "write_parts", "finish_export", "forget_export"),
    # push_documents
    *("accept_push", "push_chunk", "end_push"),
    # health_check
    *("check_concern", "tell_health"),
)
"""Activities that are a stage of their own, named like them."""


def _named(activity: str) -> str:
    return activity.replace("_", " ")


STAGES_OF_ACTIVITIES = {
    **{activity: stage for stage, activities in _SHARED.items() for activity in activities},
    **{activity: _named(activity) for activity in _BY_NAME},
}
"""Activity → stage. Workers of another version may run activities that are not here."""

_ORDER = list(dict.fromkeys(STAGES_OF_ACTIVITIES.values()))


def stages_of(activities: Iterable[str]) -> list[str]:
    """The stages of activities under way, each once: in the table's order, then those of activities
    that this version does not know, by their names."""
    stages = {STAGES_OF_ACTIVITIES.get(name, _named(name)) for name in activities}
    known = [stage for stage in _ORDER if stage in stages]
    return [*known, *sorted(stages - set(known))]
