"""Task queues: who polls them, and what waits in them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from atlas.contracts.names import QUEUE, QUEUE_BULK, QUEUE_PROCESSING, QUEUE_RENDERING, QUEUES
from atlas.health.probe import ProbeResult, degraded, failing

POLL_AGE = timedelta(seconds=90)
"""A poll lasts up to 60 s and is dated at its beginning, by the server's clock."""

BACKLOG_AGE = {
    QUEUE: timedelta(minutes=5),
    QUEUE_PROCESSING: timedelta(minutes=30),
    QUEUE_BULK: timedelta(hours=6),
}
"""Work that has waited longer is more than a burst. Bulk work is meant to wait."""

MEND = "See whether Temporal answers: `atlas doctor`"
_LOOKS_AGAIN = 10
_PAUSE = 1.0
"""Times and seconds between them: together well within the time of a check (`probe.SECONDS`)."""
_WORKFLOW = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
_ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


@dataclass(frozen=True, slots=True)
class Poller:
    """A client that polled a queue in the last minutes; `at` is by the server's clock."""

    identity: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue at this moment; rates are tasks a second."""

    pollers: int
    backlog: int
    oldest: timedelta
    added: float = 0.0
    dispatched: float = 0.0
    polls: tuple[Poller, ...] = ()


async def state_of(client: Client, queue: str, kind: TaskQueueType.ValueType) -> QueueState:
    """Live pollers and backlog. Raises RPCError."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=kind,
            report_stats=True,
        )
    )
    recent = datetime.now(UTC) - POLL_AGE
    polls = tuple(
        Poller(poller.identity, poller.last_access_time.ToDatetime(tzinfo=UTC))
        for poller in answer.pollers
    )
    return QueueState(
        sum(each.at >= recent for each in polls),
        answer.stats.approximate_backlog_count,
        answer.stats.approximate_backlog_age.ToTimedelta(),
        answer.stats.tasks_add_rate,
        answer.stats.tasks_dispatch_rate,
        polls,
    )


async def _settled_state(client: Client, name: str) -> QueueState:
    """The state of a queue; if nobody polls it, sampled again for a while, since a worker or the
    server may just have started."""
    state = await whole_state(client, name)
    for _ in range(_LOOKS_AGAIN):
        if state.pollers:
            break
        await asyncio.sleep(_PAUSE)
        state = await whole_state(client, name)
    return state


async def whole_state(client: Client, name: str) -> QueueState:
    """Of all kinds of work that the queue carries: the fewest pollers, all backlogs, the oldest
    task. Raises RPCError."""
    kinds = (_WORKFLOW, _ACTIVITY) if name == QUEUE else (_ACTIVITY,)
    states = await asyncio.gather(*(state_of(client, name, kind) for kind in kinds))
    return QueueState(
        min(each.pollers for each in states),
        sum(each.backlog for each in states),
        max(each.oldest for each in states),
        sum(each.added for each in states),
        sum(each.dispatched for each in states),
        tuple(poller for each in states for poller in each.polls),
    )


async def states_in_use(client: Client) -> dict[str, QueueState]:
    """Of the queues that every deployment serves, and of that of rendering where it is used: a
    worker polls it, or pages wait in it. Raises RPCError."""
    names = (*QUEUES, QUEUE_RENDERING)
    states = await asyncio.gather(*(whole_state(client, name) for name in names))
    found = dict(zip(names, states, strict=True))
    rendering = found[QUEUE_RENDERING]
    if not (rendering.pollers or rendering.backlog):
        del found[QUEUE_RENDERING]
    return found


async def queue(client: Client, name: str) -> ProbeResult:
    """Whether the queue has workers, and they keep up."""
    state = await _settled_state(client, name)
    pollers, backlog, oldest = state.pollers, state.backlog, state.oldest
    said = f"{pollers} polling, {backlog} waiting"
    if pollers == 0:
        return failing(
            f"no worker polls it; {backlog} waiting",
            f"Start `atlas up -d`, or a worker that serves it: `atlas worker --queues {name}`",
        )
    if oldest > BACKLOG_AGE[name] and backlog:
        return degraded(
            f"{said}, the oldest for {oldest.total_seconds() / 60:.0f} min",
            f"Add workers: `atlas worker --queues {name}`",
        )
    return ProbeResult(said)
