"""What we are allowed to do: in folders, in the database, in Temporal's namespace.

Permissions in the blob store show in its round trip, which writes, reads, lists and deletes.
"""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Sequence
from pathlib import Path

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    ListSchedulesRequest,
    SignalWorkflowExecutionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from atlas.health.probe import ProbeResult, failing
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.reporting.probes import probe_connection

MEND = "Give the role of ATLAS_DATABASE_URL the tables, or use their owner"
TEMPORAL_MEND = "Give the API key's account, or the certificate, write access to the namespace"
_ROLE = """
    with tables as (
        select oid, relname::text as name, relowner from pg_class
        where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
    )
    select current_user::text as role,
        has_schema_privilege(current_schema(), 'create') as may_create,
        array(select name from tables, unnest('{select,insert,update,delete}'::text[]) as privilege
              where not has_table_privilege(oid, privilege)
              group by name order by name) as unwritable,
        array(select name from tables
              where not pg_has_role(relowner, 'usage') order by name) as foreign_owned
"""
_NOBODY = "atlas-doctor-asks-whether-it-may-signal"
_DENIED = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED)


async def folders(places: Sequence[Path]) -> ProbeResult:
    """Whether we may read and write where Atlas keeps things on this machine."""
    return await asyncio.to_thread(_folders, places)  # a network drive may hang


def _folders(places: Sequence[Path]) -> ProbeResult:
    there = [each for each in places if each.exists()]
    for folder in there:
        if not folder.is_dir():
            return failing(f"{folder} is not a folder", "Choose another place, or move it away")
        if not _usable(folder):
            return failing(
                f"{folder} cannot be written by {_me()}",
                f"Run as {_owner(folder)}, its owner, or `chown -R {_me()} {folder}`",
            )
    named = ", ".join(map(str, there))
    return ProbeResult(
        f"{_me()} may write in {named}" if named else "nothing is kept on this machine"
    )


def _usable(folder: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=effective):
        return False
    # Root passes every check of access; a read-only disk shows only in its flags.
    return not os.statvfs(folder).f_flag & os.ST_RDONLY


def _me() -> str:
    return _name(os.geteuid())


def _owner(folder: Path) -> str:
    return _name(folder.stat().st_uid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


async def database(database_url: str) -> ProbeResult:
    """Whether the role may write every table, make partitions, and migrate."""
    async with probe_connection(database_url) as connection:
        return await role(connection)


async def role(connection: Connection) -> ProbeResult:
    """What the role of a connection may do with the tables of its schema."""
    row = await connection.fetchrow(_ROLE)
    assert row is not None
    return judged_role(
        row["role"], row["may_create"], list(row["unwritable"]), list(row["foreign_owned"])
    )


def judged_role(
    role: str, may_create: bool, unwritable: Sequence[str], foreign: Sequence[str]
) -> ProbeResult:
    """What a role may not do, and what follows from that."""
    if unwritable:
        return failing(f"{role} cannot write to {_some(unwritable)}", MEND)
    if foreign:
        return failing(
            f"{role} does not own {_some(foreign)}: it can neither migrate nor create the ledger's "
            "monthly partitions",
            f"`grant <owner> to {role}`, or use the owner in ATLAS_DATABASE_URL",
        )
    if not may_create:
        return failing(
            f"{role} cannot create tables in its schema: migrations and partitions will fail",
            f"`grant create on schema public to {role}`",
        )
    return ProbeResult(f"{role} can write, create partitions and migrate")


def _some(tables: Sequence[str]) -> str:
    more = f" and {len(tables) - 3} more tables" if len(tables) > 3 else ""
    return ", ".join(tables[:3]) + more


async def namespace(client: Client) -> ProbeResult:
    """Whether we may count runs, list schedules, and steer runs. Leaves nothing behind."""
    space, service = client.namespace, client.workflow_service
    try:
        await service.count_workflow_executions(CountWorkflowExecutionsRequest(namespace=space))
        await service.list_schedules(ListSchedulesRequest(namespace=space, maximum_page_size=1))
    except RPCError as error:
        return _refused(error, f"read namespace '{space}'")
    nobody = WorkflowExecution(workflow_id=_NOBODY)
    try:
        await service.signal_workflow_execution(
            SignalWorkflowExecutionRequest(
                namespace=space, workflow_execution=nobody, signal_name="none"
            )
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:  # there is no such run, as it should be
            return _refused(error, f"write in namespace '{space}'")
    return ProbeResult(f"may read and write in namespace '{space}'")


def _refused(error: RPCError, what: str) -> ProbeResult:
    if error.status not in _DENIED:
        raise error
    return failing(f"may not {what}: {error.message}", TEMPORAL_MEND)
