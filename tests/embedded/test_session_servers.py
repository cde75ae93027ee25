"""The session's servers are what the other rooms' tests take them for."""

import asyncpg
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client


async def test_each_test_gets_its_own_migrated_database(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("select to_regclass('pages') is not null")
        assert await connection.fetchval("select current_user") == "atlas"
        await connection.execute("create table only_here ()")
    finally:
        await connection.close()


async def test_what_one_test_writes_another_does_not_see(
    database: "asyncpg.Pool[asyncpg.Record]",
) -> None:
    assert await database.fetchval("select to_regclass('only_here') is null")


async def test_the_role_of_atlas_is_no_superuser(database: "asyncpg.Pool[asyncpg.Record]") -> None:
    assert await database.fetchval("show is_superuser") == "off"


async def test_closed_runs_stay_for_thirty_days(temporal_address: str) -> None:
    client = await Client.connect(temporal_address)
    answer = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )
    assert answer.config.workflow_execution_retention_ttl.ToTimedelta().days == 30
