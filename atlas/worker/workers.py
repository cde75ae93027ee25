"""Workers: one per task queue in a process, how many tasks each takes on at once, and how long a
short activity waits for PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    ResourceBasedSlotConfig,
    Worker,
    WorkerTuner,
)

from activities import heartbeat
from activities.heartbeat import Heartbeats
from atlas.contracts.names import QUEUE, QUEUE_PROCESSING, QUEUE_RENDERING, QUEUES
from atlas.settings import Settings
from atlas.stores.postgres.connection import statements_within
from atlas.worker import registry
from atlas.worker.resources import WorkerParts
from workflows.guards import OneInput

_SHORT = timedelta(seconds=60)
"""The time of `workflows.options.SHORT`; longer activities have time for what a statement may take
anyway."""
_SHARE = 3
"""Three statements that are not answered fit into a short activity's time."""


@dataclass(frozen=True, slots=True)
class SlotBounds:
    """How many activities of a queue run at once: at least `least`, whatever the machine does
    besides, and more up to `most` while it has room."""

    least: int
    most: int


def slots_of(settings: Settings, queue: str) -> SlotBounds:
    """The bounds for a queue."""
    # Network and database work waits most of the time; of CPU work more than there are children
    # would only hold batches that others could take.
    if queue == QUEUE:
        return SlotBounds(
            min(8, settings.worker.worker_activities), settings.worker.worker_activities
        )
    if queue == QUEUE_PROCESSING:
        return SlotBounds(2, max(2, 2 * settings.extraction.extract_children))
    if queue == QUEUE_RENDERING:
        # A batch waits for its hosts as well as for a browser: two keep all browsers at work.
        return SlotBounds(2, max(2, 2 * settings.rendering.render_browsers))
    return SlotBounds(1, settings.worker.worker_bulk_activities)


def build_workers(parts: WorkerParts, queues: Sequence[str] = QUEUES) -> list[Worker]:
    """One worker for each of the task queues, in this process."""
    served = registry.activities(parts)
    return [_worker(parts, queue, served[queue]) for queue in queues]


def _worker(parts: WorkerParts, queue: str, activities: Sequence[registry.Activity]) -> Worker:
    settings = parts.settings
    return Worker(
        parts.client,
        task_queue=queue,
        workflows=registry.WORKFLOWS if queue == QUEUE else (),
        interceptors=[OneInput(), Heartbeats(), ShortStatements()],
        # Eager activities stay with the worker that runs the workflow: one source's batches
        # would keep one worker busy and leave the others idle.
        disable_eager_activity_execution=True,
        activities=activities,
        tuner=_tuner(settings, slots_of(settings, queue)),
        # Else the SDK keeps beats back for eight of the ten seconds after which an attempt counts
        # as lost, and an activity hears as late that its run was cancelled.
        max_heartbeat_throttle_interval=timedelta(seconds=heartbeat.INTERVAL),
        graceful_shutdown_timeout=timedelta(seconds=settings.worker.shutdown_grace),
        # Without it the SDK hashes the bytecode of every loaded module: a second at each start.
        build_id=f"atlas-{version('atlas-corpus')}",
    )


def _tuner(settings: Settings, slots: SlotBounds) -> WorkerTuner:
    # The SDK asks that all tuners of a process have the same targets.
    return WorkerTuner.create_resource_based(
        target_memory_usage=settings.worker.worker_target_memory,
        target_cpu_usage=settings.worker.worker_target_cpu,
        workflow_config=ResourceBasedSlotConfig(
            minimum_slots=min(10, settings.worker.worker_workflows),
            maximum_slots=settings.worker.worker_workflows,
        ),
        activity_config=ResourceBasedSlotConfig(
            minimum_slots=slots.least,
            maximum_slots=slots.most,
            # Slots beyond the least open one by one, so that each task's use of the machine shows.
            ramp_throttle=timedelta(milliseconds=20),
        ),
    )


class ShortStatements(Interceptor):
    """Lets a statement of a short activity take a third of the activity's time, at most: a database
    that hangs then fails the attempt with its reason, before Temporal cuts it off without one."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Bounded(next)


class _Bounded(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        whole = activity.info().start_to_close_timeout
        if whole is None or whole > _SHORT:
            return await super().execute_activity(input)
        with statements_within(whole.total_seconds() / _SHARE):
            return await super().execute_activity(input)
