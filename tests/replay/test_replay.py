"""Histories of earlier versions replay: no change breaks a run that is under way."""

import gc
import json
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from atlas.temporal.connection import data_converter
from atlas.worker.registry import WORKFLOWS
from workflows.guards import OneInput

pytestmark = pytest.mark.usefixtures("patient_workflows")

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))
WANTED = {
    "site", "several", "cancelled", "cancelled_several", "continued", "paused", "already_running",
    "waited", "listing_failed", "unknown_source", "fetch_url_fetched", "fetch_url_missing",
    "health_check", "health_check_scheduled", "bad_input", "no_input", "two_inputs", "unknown_type",
    "weekly_report", "weekly_report_cancelled", "weekly_report_refused",
    "rebuild", "rebuild_no_previous", "rebuild_rollback", "rebuild_cancelled", "rebuild_continued",
    "rebuild_already_running", "rebuild_gate_failed",
    "dedup_reported", "dedup_applied", "dedup_continued", "dedup_limited", "dedup_unknown_source",
    "dedup_cancelled",
    "process_added", "process_failed", "process_unknown", "process_refused", "batch_continued",
    "batch_refused", "batch_cancelled",
    "collect_all", "collect_tagged", "collect_site", "collect_failed", "collect_continued",
    "collect_changed", "collect_cancelled", "collect_cancelled_child", "hourly", "sync_stored",
    "several_recorded", "lane_rested", "lane_rested_cancelled",
    "slow_lane", "slow_lane_cancelled",
    "several_paused", "several_paused_cancelled", "collect_all_paused", "sync_paused",
    "sync_paused_cancelled",
    "audit_sample", "audit_repaired", "purge_dry", "purge_url", "purge_unknown_source",
    "export_folder", "export_continued", "export_unknown_source", "export_cancelled",
    "cleanup", "cleanup_audited", "cleanup_dry", "cleanup_continued", "cleanup_cancelled",
    "nothing_unknown", "nothing_paused", "nothing_tagged", "nothing_planned", "nothing_batched",
    "nothing_processed", "nothing_due", "rendered", "no_browser",
    "fetch_url_rendered", "fetch_url_no_browser", "fetch_url_never_began",
    "deletions_decided", "deletions_refused",
    "restore_dry", "restore_continued", "restore_refused", "restore_unknown", "restore_cancelled",
    "push_put", "push_withdrawn", "push_held", "push_refused", "push_unknown", "push_waited",
    "push_cancelled",
}  # fmt: skip


def replayer() -> Replayer:
    """With everything a worker has that decides which commands a workflow gives; sandbox on."""
    return Replayer(
        workflows=list(WORKFLOWS),
        interceptors=[OneInput()],
        data_converter=data_converter(),
    )


def history_of(record: dict) -> WorkflowHistory:
    return WorkflowHistory.from_json(record.pop("workflow_id"), record)


def test_every_kind_of_run_is_recorded() -> None:
    assert {file.stem.rsplit("-", 1)[0] for file in HISTORIES} >= WANTED
    types = {
        json.loads(file.read_text())["events"][0]["workflowExecutionStartedEventAttributes"][
            "workflowType"
        ]["name"]
        for file in HISTORIES
    }
    assert {
        name for each in WORKFLOWS if (name := workflow._Definition.must_from_class(each).name)
    } <= types


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    await replayer().replay_workflow(history_of(json.loads(file.read_text())))


@pytest.mark.parametrize(
    "name",
    [
        "batch_cancelled",
        "cancelled",
        "collect_cancelled_child",
        # Cancelled while paused, or while a lane rested
        "lane_rested_cancelled",
        "slow_lane_cancelled",
        "several_paused_cancelled",
        "sync_paused_cancelled-1",
        "sync_paused_cancelled-2",
    ],
)
async def test_a_cancelled_run_leaves_no_exception_behind(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of lanes whose activities were cancelled: asyncio would log 'never retrieved' as an error."""
    record = json.loads((Path(__file__).parent / "histories" / f"{name}.json").read_text())
    await replayer().replay_workflow(history_of(record))
    gc.collect()
    assert not [each for each in caplog.records if "never retrieved" in each.getMessage()]


async def test_a_changed_story_is_noticed() -> None:
    record = json.loads((Path(__file__).parent / "histories" / "site.json").read_text())
    for event in record["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes", {})
        if scheduled.get("activityType", {}).get("name") == "claim_batch":
            scheduled["activityType"]["name"] = "another_activity"
            break
    with pytest.raises(Exception, match=r"[Nn]ondeterminism"):
        await replayer().replay_workflow(history_of(record))
