"""Finding a run by the name a person gives: in the record of runs, and in Temporal."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from atlas.contracts.names import sync_workflow_id
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.services import catalogue
from starter.connection import Parts
from starter.errors import NotFound, TemporalDown
from starter.runs.details import RunDetails, first_run_id, of_execution, of_record

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowExecution, WorkflowExecutionDescription

    from atlas.stores.postgres.crawl.runs.runs import Run

_SOURCE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_RUN_ID = re.compile(r"[0-9a-f-]{8,36}")


Found: TypeAlias = "tuple[RunDetails, WorkflowExecutionDescription | None]"
"""A run, and its latest execution; None: Temporal no longer knows it, or does not answer."""


async def find(parts: Parts, named: str) -> RunDetails:
    """The run of that name; see `look_up`."""
    return (await look_up(parts, named))[0]


async def look_up(parts: Parts, named: str) -> Found:
    """The run of that id or its beginning, else the one under way or the latest of that workflow
    id, source, or (where no record is kept) workflow type. Raises `NotFound`, `CannotConnect`."""
    record, unknown = await _recorded(parts, named)
    try:
        if record is not None and record.run_id.startswith(named):
            return await _with_execution(parts, record)
        ids = [record.workflow_id] if record else []
        ids += [named, sync_workflow_id(named)] if _SOURCE.fullmatch(named) else [named]
        newer = await _latest_open(parts, ids, record)
        if newer is not None:
            return newer
        if record is not None:
            return await _with_execution(parts, record)
        found = await _only_in_temporal(parts, ids, named)
    except TemporalDown:
        if record is None:
            raise
        return of_record(parts, record, None, temporal_down=True), None
    if found is None:
        raise NotFound(unknown)
    return found


async def _recorded(parts: Parts, named: str) -> tuple[Run | None, str]:
    try:
        async with parts.database() as connection:
            return await catalogue.find_run(connection, named), ""
    except runs.UnknownRun as error:
        return None, str(error)


async def _latest_open(parts: Parts, ids: list[str], record: Run | None) -> Found | None:
    """The run under way of one of the ids that is not the recorded one: no worker has begun it."""
    async with parts.temporal() as client:
        for workflow_id in dict.fromkeys(ids):
            described = await describe(client, workflow_id)
            if described is None or described.close_time is not None:
                continue
            if record is None or first_run_id(described) != record.run_id:
                return await _of_execution(parts, described)
    return None


async def _only_in_temporal(parts: Parts, ids: list[str], named: str) -> Found | None:
    """The latest run of a workflow id or type, or one whose id begins so."""
    async with parts.temporal() as client:
        for workflow_id in ids:
            described = await describe(client, workflow_id)
            if described is not None:
                return await _of_execution(parts, described)
        matching = await _listed(client, named)
        if len(matching) != 1:
            return None
        described = await describe(client, matching[0].id, matching[0].run_id)
    return await _of_execution(parts, described) if described else None


async def _listed(client: Client, named: str) -> list[WorkflowExecution]:
    """The latest run of a type, or those whose ids begin so."""
    from atlas.contracts.catalogue import WORKFLOWS  # every contract: an eighth of a second

    if named in WORKFLOWS:
        query, most = f"WorkflowType = '{named}'", 1
    elif _RUN_ID.fullmatch(named):
        query, most = f"RunId STARTS_WITH '{named}'", 2
    else:
        return []
    return [each async for each in client.list_workflows(query, limit=most)]


async def _with_execution(parts: Parts, record: Run) -> Found:
    """The recorded run with its latest execution, if Temporal has it."""
    try:
        async with parts.temporal() as client:
            described = await describe(client, record.workflow_id)
            if described is not None and first_run_id(described) != record.run_id:
                # A later run of its id: this one has ended, as its first execution says.
                described = await describe(client, record.workflow_id, record.run_id)
    except TemporalDown:
        return of_record(parts, record, None, temporal_down=True), None
    return of_record(parts, record, described), described


async def _of_execution(parts: Parts, described: WorkflowExecutionDescription) -> Found:
    with suppress(runs.UnknownRun):
        async with parts.database() as connection:
            record = await runs.get(connection, first_run_id(described))
        return of_record(parts, record, described), described
    return of_execution(parts, described), described


async def describe(
    client: Client, workflow_id: str, run_id: str | None = None
) -> WorkflowExecutionDescription | None:
    """The execution, by default the latest of the id; None: there is none. Raises RPCError."""
    from temporalio.service import RPCError, RPCStatusCode

    try:
        return await client.get_workflow_handle(workflow_id, run_id=run_id).describe()
    except RPCError as error:
        # An id that is no UUID cannot be a run's.
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return None
        raise


def quoted(text: str) -> str:
    """The text as a value in a query of Temporal's visibility."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
