"""Temporal: the namespace, its search attributes, the corpus it belongs to, and its clock."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, PollActivityTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from atlas.domain.timing.clocks import NTP_SKEW, beyond
from atlas.health import start_checks
from atlas.health.probe import ProbeResult, Unwell, degraded

MEND = (
    "Start Temporal (`atlas up -d` for the embedded stack), or correct TEMPORAL_ADDRESS; runs wait "
    "and continue by themselves"
)
_CLOCK = TaskQueue(name="atlas-clock")
_POLL = timedelta(seconds=3)
"""Long enough for the server to list the poll, which it does at once; then the clock stays unknown,
and the check has time for the rest."""


async def temporal(
    client: Client, corpus_id: str | None, clock: Callable[[], datetime]
) -> ProbeResult:
    """What a worker needs of the namespace; `corpus_id` is the database's, where it is known."""
    try:
        await start_checks.check_namespace(client)
        await start_checks.check_search_attributes(client)
        theirs = await start_checks.recorded_corpus(client)
    except start_checks.StartRefused as error:
        raise Unwell(error.why, error.mend) from None
    where = client.service_client.config.target_host
    if None not in (theirs, corpus_id) and theirs != corpus_id:
        raise Unwell(
            f"namespace '{client.namespace}' belongs to corpus {theirs}, the database holds "
            f"{corpus_id}",
            "Point TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or ATLAS_DATABASE_URL at the right one",
        )
    skew = await clock_skew(client, clock)
    if skew is not None and abs(skew) > NTP_SKEW:
        return degraded(
            f"the clock here and that of {where} differ by {abs(skew):.0f} s",
            "Let both machines keep time by NTP: schedules fire by Temporal's clock",
        )
    return ProbeResult(f"namespace '{client.namespace}' at {where}")


async def clock_skew(client: Client, clock: Callable[[], datetime]) -> float | None:
    """Seconds by which the server's clock is ahead; None if that could not be found out.

    No call returns the time, but the server dates every poll: poll a queue without tasks, then ask
    when that was.
    """
    identity = f"atlas-clock-{secrets.token_hex(6)}"
    before = clock()
    poll = asyncio.create_task(
        client.workflow_service.poll_activity_task_queue(
            PollActivityTaskQueueRequest(
                namespace=client.namespace, task_queue=_CLOCK, identity=identity
            ),
            timeout=_POLL,
        )
    )
    try:
        while not poll.done():
            polled = await _polled_at(client, identity)
            if polled is not None:
                return beyond(polled, before, clock())
            await asyncio.sleep(0.05)
        return None
    finally:
        poll.cancel()
        with suppress(asyncio.CancelledError, RPCError):
            await poll


async def _polled_at(client: Client, identity: str) -> datetime | None:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=_CLOCK,
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        )
    )
    for poller in answer.pollers:
        if poller.identity == identity:
            return poller.last_access_time.ToDatetime(tzinfo=UTC)
    return None
