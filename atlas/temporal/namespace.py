"""What can be asked of a namespace where Atlas may not make an operator's calls.

Temporal Cloud, and a server that somebody else runs, may refuse the `OperatorService` and
`UpdateNamespace`. Search attributes then show in queries, and the corpus is kept by a schedule
that never starts anything: it is plain, has no retention, and its id makes it the only one.
"""

from __future__ import annotations

import logging
import re

from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleSpec,
    ScheduleState,
)
from temporalio.service import RPCError, RPCStatusCode

from atlas.contracts.names import QUEUE, SEARCH_ATTRIBUTES

REFUSED = (
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
)
"""How a call that is the operator's is refused."""

CORPUS_SCHEDULE = "atlas-corpus"
_NOTE = "This namespace belongs to corpus {}. It starts nothing: leave it, paused, as it is."
_CORPUS = re.compile(r"corpus ([0-9a-f-]{36})")
_ASKED = {"Keyword": "{} = ''", "Int": "{} = 0"}

log = logging.getLogger("atlas.start")


async def attributes_in_queries(client: Client) -> dict[str, str]:
    """The search attributes of Atlas that a query may name, with their types.

    One that could not be checked counts as present, and is logged: a worker must not refuse to
    start for what cannot be found out.
    """
    found = {name: await _kind(client, name, kind) for name, kind in SEARCH_ATTRIBUTES.items()}
    return {name: kind for name, kind in found.items() if kind is not None}


async def _kind(client: Client, name: str, expected: str) -> str | None:
    query = _ASKED[expected].format(name)
    try:
        await client.workflow_service.count_workflow_executions(
            CountWorkflowExecutionsRequest(namespace=client.namespace, query=query)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            other = re.search(rf"attribute {name} of type (\w+)", error.message)
            return other[1] if other else None
        if error.status not in REFUSED:
            raise
        log.warning(
            "the search attribute %s could not be checked: Temporal refused (%s). If it is missing "
            "from namespace '%s', its runs will not move",
            name,
            error.message,
            client.namespace,
        )
    return expected


async def corpus_on_schedule(client: Client) -> str | None:
    """The id of the corpus that the namespace belongs to, as kept by the schedule."""
    try:
        described = await client.get_schedule_handle(CORPUS_SCHEDULE).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND or error.status in REFUSED:
            return None
        raise
    found = _CORPUS.search(described.schedule.state.note or "")
    return found[1] if found else None


async def keep_corpus_on_schedule(client: Client, corpus_id: str) -> str:
    """Keep the corpus' id; the one that is kept, which another worker may have been first to say.

    Where even that is refused, it is logged: nothing then keeps two corpora apart.
    """
    nothing = Schedule(
        # A schedule must have an action; paused and without times, it never takes it.
        action=ScheduleActionStartWorkflow("health_check", id=CORPUS_SCHEDULE, task_queue=QUEUE),
        spec=ScheduleSpec(),
        state=ScheduleState(paused=True, note=_NOTE.format(corpus_id)),
    )
    try:
        await client.create_schedule(CORPUS_SCHEDULE, nothing)
    except ScheduleAlreadyRunningError:
        return await corpus_on_schedule(client) or corpus_id
    except RPCError as error:
        if error.status not in REFUSED:
            raise
        log.warning(
            "that namespace '%s' belongs to this corpus could not be recorded: Temporal refused "
            "(%s). Let no other Atlas use it",
            client.namespace,
            error.message,
        )
    return corpus_id
