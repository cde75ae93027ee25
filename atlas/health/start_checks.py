"""Reasons why a worker refuses to start, each with its fix: half a worker does more harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import asyncpg
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import UpdateNamespaceInfo
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from atlas.contracts.names import SEARCH_ATTRIBUTES
from atlas.domain.timing.clocks import MOST_SKEW
from atlas.locations import on_cloud
from atlas.stores.postgres.clock import skew
from atlas.stores.postgres.connection import Connection
from atlas.stores.postgres.migrate import verify
from atlas.temporal import namespace

_CORPUS_KEY = "atlas_corpus_id"


class StartRefused(Exception):
    """The worker must not start; the message says why and how to fix it."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(f"{why}; {mend}")
        self.why = why
        self.mend = mend


async def check_all(client: Client, pool: asyncpg.Pool, clock: Callable[[], datetime]) -> None:
    """Raise `StartRefused`, or `SchemaMismatch`, unless everything fits. `clock`: this
    machine's."""
    async with pool.acquire() as connection:
        await verify(connection)
        await check_clock(connection, clock)
        corpus_id = str(await connection.fetchval("select corpus_id from corpus"))
    await check_namespace(client)
    await check_search_attributes(client)
    await check_corpus(client, corpus_id)


async def check_clock(connection: Connection, clock: Callable[[], datetime]) -> None:
    """This machine and the database have to agree on the time, within a minute."""
    ahead = await skew(connection, clock)
    if abs(ahead) > MOST_SKEW:
        way = "behind" if ahead > 0 else "ahead of"
        raise StartRefused(
            f"the clock here ({clock():%Y-%m-%d %H:%M:%S}Z) is {abs(ahead):.0f} s {way} the "
            f"database's, more than {MOST_SKEW:.0f} s",
            "set the clock of the machine that is wrong, and let both keep time by NTP "
            "(`timedatectl set-ntp true`)",
        )


async def check_namespace(client: Client) -> None:
    """The namespace has to exist."""
    try:
        await _describe(client)
    except RPCError as error:
        if error.status in namespace.REFUSED:
            raise StartRefused(
                f"Temporal refused to describe namespace '{client.namespace}': {error.message}",
                "check TEMPORAL_NAMESPACE (on Temporal Cloud `name.account`), and that "
                "TEMPORAL_API_KEY or the client certificate may use it",
            ) from None
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise StartRefused(
            f"Temporal has no namespace '{client.namespace}'",
            "create it with "
            f"`temporal operator namespace create --namespace {client.namespace} --retention 30d`, "
            "or set TEMPORAL_NAMESPACE to one that exists",
        ) from None


async def check_search_attributes(client: Client) -> None:
    """An unregistered attribute would make every workflow task retry for ever."""
    present = await _search_attributes(client)
    missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in present}
    if missing:
        raise StartRefused(
            f"namespace '{client.namespace}' is missing the search attributes {', '.join(missing)}",
            _registering(client, missing),
        )
    wrong = [name for name, kind in SEARCH_ATTRIBUTES.items() if present[name] != kind]
    if wrong:
        raise StartRefused(
            f"search attribute {wrong[0]} has type {present[wrong[0]]}, not "
            f"{SEARCH_ATTRIBUTES[wrong[0]]}",
            "use another namespace (TEMPORAL_NAMESPACE)",
        )


def _registering(client: Client, missing: Mapping[str, str]) -> str:
    if on_cloud(client.service_client.config.target_host):  # which keeps the operator's calls
        flags = " ".join(f"--search-attribute {name}={kind}" for name, kind in missing.items())
        return f"run `tcld namespace search-attributes add --namespace {client.namespace} {flags}`"
    flags = " ".join(f"--name {name} --type {kind}" for name, kind in missing.items())
    return (
        f"run `temporal operator search-attribute create --namespace {client.namespace} {flags}`, "
        "or `atlas doctor --fix`"
    )


async def register_search_attributes(client: Client) -> list[str]:
    """Register those missing from the namespace; return their names. Raises RPCError."""
    present = await _search_attributes(client)
    missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in present}
    if missing:
        kinds = {
            name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
            for name, kind in missing.items()
        }
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)
        )
    return list(missing)


async def _search_attributes(client: Client) -> dict[str, str]:
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status not in namespace.REFUSED:
            raise
        return await namespace.attributes_in_queries(client)
    return {
        name: IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").title()
        for name, kind in answer.custom_attributes.items()
    }


async def check_corpus(client: Client, corpus_id: str) -> None:
    """One namespace, one corpus: the id is kept in both, and the first worker writes it."""
    recorded = await recorded_corpus(client)
    if recorded is None:
        recorded = await _record(client, corpus_id)
    if recorded != corpus_id:
        raise StartRefused(
            f"namespace '{client.namespace}' belongs to corpus {recorded}, but the database holds "
            f"corpus {corpus_id}",
            "point ATLAS_DATABASE_URL at the corpus of this namespace, or TEMPORAL_NAMESPACE at "
            "another namespace",
        )


async def recorded_corpus(client: Client) -> str | None:
    """The id of the corpus that the namespace belongs to; None before its first worker."""
    description = await _describe(client)
    kept = description.namespace_info.data.get(_CORPUS_KEY)
    return kept or await namespace.corpus_on_schedule(client)


async def _record(client: Client, corpus_id: str) -> str:
    try:
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace=client.namespace,
                update_info=UpdateNamespaceInfo(data={_CORPUS_KEY: corpus_id}),
            )
        )
    except RPCError as error:
        if error.status not in namespace.REFUSED:
            raise
        return await namespace.keep_corpus_on_schedule(client, corpus_id)
    return corpus_id


async def _describe(client: Client) -> DescribeNamespaceResponse:
    return await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
