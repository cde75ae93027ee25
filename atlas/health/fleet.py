"""The workers as Temporal knows them, by their last heartbeats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.enums.v1 import WorkerStatus
from temporalio.api.worker.v1 import WorkerHeartbeat, WorkerSlotsInfo
from temporalio.api.workflowservice.v1 import DescribeWorkerRequest, ListWorkersRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from atlas.contracts.names import QUEUES

_MOST = 3000
_PAGE = 500
_NOT_TOLD = (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED)
_STOPPING = (WorkerStatus.WORKER_STATUS_SHUTTING_DOWN, WorkerStatus.WORKER_STATUS_SHUTDOWN)


@dataclass(frozen=True, slots=True)
class FleetSlots:
    """Tasks of one kind that a worker executes at once."""

    used: int
    free: int | None
    """None: no fixed number; it takes more while the machine has room."""
    processed: int
    """Tasks done since the worker began."""
    failed: int


@dataclass(frozen=True, slots=True)
class Beat:
    """One worker on one queue, according to its last heartbeat. Times are by the worker's clock."""

    key: str
    process: str
    """The same for all queues that one process serves."""
    identity: str
    host: str
    pid: int | None
    queue: str
    version: str
    stopping: bool
    """Asked to stop: it finishes its tasks and takes no new ones."""
    started: datetime
    at: datetime
    interval: float
    """Seconds between the last two heartbeats; 0: not known."""
    workflows: FleetSlots
    activities: FleetSlots


async def beats(client: Client, queues: Iterable[str] = QUEUES) -> list[Beat] | None:
    """The last heartbeat of every worker of the queues, including workers that are gone: the server
    keeps it for a while. None: this server does not list workers. Raises RPCError."""
    try:
        told = await _heartbeats(client)
    except RPCError as error:
        if error.status in _NOT_TOLD:
            return None
        raise
    wanted = set(queues)
    found = [_beat(each) for each in told if each.task_queue in wanted]
    return sorted(found, key=lambda beat: (beat.host, beat.identity, beat.queue, beat.key))


async def _heartbeats(client: Client) -> Sequence[WorkerHeartbeat]:
    found: list[WorkerHeartbeat] = []
    token = b""
    while len(found) < _MOST:
        answer = await client.workflow_service.list_workers(
            ListWorkersRequest(namespace=client.namespace, page_size=_PAGE, next_page_token=token)
        )
        if answer.workers_info:
            found += [each.worker_heartbeat for each in answer.workers_info]
        else:  # a server newer than 1.32 may leave the figures to a call for each
            found += [await _described(client, each.worker_instance_key) for each in answer.workers]
        token = answer.next_page_token
        if not token:
            break
    return found


async def _described(client: Client, key: str) -> WorkerHeartbeat:
    answer = await client.workflow_service.describe_worker(
        DescribeWorkerRequest(namespace=client.namespace, worker_instance_key=key)
    )
    return answer.worker_info.worker_heartbeat


def _beat(told: WorkerHeartbeat) -> Beat:
    host = told.host_info
    return Beat(
        key=told.worker_instance_key,
        process=host.worker_grouping_key or told.worker_identity,
        identity=told.worker_identity,
        host=host.host_name,
        pid=int(host.process_id) if host.process_id.isdigit() else None,
        queue=told.task_queue,
        version=told.deployment_version.build_id or f"{told.sdk_name} {told.sdk_version}",
        stopping=told.status in _STOPPING,
        started=told.start_time.ToDatetime(tzinfo=UTC),
        at=told.heartbeat_time.ToDatetime(tzinfo=UTC),
        interval=told.elapsed_since_last_heartbeat.ToTimedelta().total_seconds(),
        workflows=_slots(told.workflow_task_slots_info),
        activities=_slots(told.activity_task_slots_info),
    )


def _slots(told: WorkerSlotsInfo) -> FleetSlots:
    fixed = told.slot_supplier_kind == "Fixed"
    return FleetSlots(
        used=told.current_used_slots,
        free=told.current_available_slots if fixed else None,
        processed=told.total_processed_tasks,
        failed=told.total_failed_tasks,
    )
