"""Why a worker refuses to start, each with the mend: better at once than half working."""

from __future__ import annotations

import asyncpg
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import UpdateNamespaceInfo
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from atlas.contracts.names import SEARCH_ATTRIBUTES
from atlas.stores.postgres.migrate import verify

_CORPUS_KEY = "atlas_corpus_id"


class StartRefused(Exception):
    """The worker must not start; the message says why and what mends it."""


async def check_all(client: Client, pool: asyncpg.Pool) -> None:
    """Raise `StartRefused`, or `SchemaMismatch`, unless everything fits."""
    async with pool.acquire() as connection:
        await verify(connection)
        corpus_id = str(await connection.fetchval("select corpus_id from corpus"))
    await check_namespace(client)
    await check_search_attributes(client)
    await check_corpus(client, corpus_id)


async def check_namespace(client: Client) -> None:
    """The namespace has to exist."""
    try:
        await _describe(client)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise StartRefused(
            f"Temporal has no namespace '{client.namespace}'; create it with "
            f"`temporal operator namespace create --namespace {client.namespace} --retention 30d`, "
            "or set TEMPORAL_NAMESPACE to one that exists"
        ) from None


async def check_search_attributes(client: Client) -> None:
    """An unregistered attribute would make every workflow task retry for ever."""
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    present = {
        name: IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").title()
        for name, kind in answer.custom_attributes.items()
    }
    missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in present}
    if missing:
        flags = " ".join(f"--name {name} --type {kind}" for name, kind in missing.items())
        raise StartRefused(
            f"namespace '{client.namespace}' lacks the search attributes {', '.join(missing)}; run "
            f"`temporal operator search-attribute create --namespace {client.namespace} {flags}`"
        )
    wrong = [name for name, kind in SEARCH_ATTRIBUTES.items() if present[name] != kind]
    if wrong:
        raise StartRefused(
            f"search attribute {wrong[0]} has type {present[wrong[0]]}, not "
            f"{SEARCH_ATTRIBUTES[wrong[0]]}; use another namespace (TEMPORAL_NAMESPACE)"
        )


async def check_corpus(client: Client, corpus_id: str) -> None:
    """One namespace, one corpus: the id is kept in both, and the first worker writes it."""
    recorded = await recorded_corpus(client)
    if recorded is None:
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace=client.namespace,
                update_info=UpdateNamespaceInfo(data={_CORPUS_KEY: corpus_id}),
            )
        )
    elif recorded != corpus_id:
        raise StartRefused(
            f"namespace '{client.namespace}' belongs to corpus {recorded}, but the database holds "
            f"corpus {corpus_id}; point ATLAS_DATABASE_URL at the corpus of this namespace, or "
            "TEMPORAL_NAMESPACE at another namespace"
        )


async def recorded_corpus(client: Client) -> str | None:
    """The id of the corpus that the namespace belongs to; None before its first worker."""
    description = await _describe(client)
    return description.namespace_info.data.get(_CORPUS_KEY)


async def _describe(client: Client) -> DescribeNamespaceResponse:
    return await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
