"""Whether workers poll the task queues that a run needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import TaskQueueType

from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from temporalio.client import Client

_SERVED = (
    (QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    (QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    (QUEUE_PROCESSING, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
)
_SERVED_FOR_BULK = (*_SERVED[:2], (QUEUE_BULK, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY))


async def missing_workers(client: Client, *, bulk: bool = False) -> list[str]:
    """The task queues without a recent poller, of those that a run needs: for bulk work, or for
    any other. Raises RPCError."""
    from atlas.health.queues import state_of

    needed = _SERVED_FOR_BULK if bulk else _SERVED
    missing = [queue for queue, kind in needed if not (await state_of(client, queue, kind)).pollers]
    return sorted(set(missing))


def no_worker(queues: Sequence[str]) -> str:
    """The message when these queues have no worker: what it means, and what to do."""
    named = " and ".join(f"'{queue}'" for queue in queues)
    return (
        f"No worker polls the task queue {named}: nothing moves until one does. Start the "
        "embedded stack with `atlas up -d`, or a worker with `atlas worker`."
    )
