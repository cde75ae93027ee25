"""One Atlas per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client

from atlas.stores.postgres.connection import keep_session
from atlas.temporal.connection import data_converter
from tests.e2e.stack import AtlasEnv, fresh_namespace
from tests.e2e.zygotes import lent
from tests.origin import Origin


@pytest.fixture
async def atlas_env(
    lent_zygotes: None,
    database_url: str,
    temporal_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[AtlasEnv]:
    namespace = await fresh_namespace(temporal_address)
    variables = {
        "ATLAS_DATABASE_URL": database_url,
        "ATLAS_BLOBS": str(tmp_path / "blobs"),
        "ATLAS_HOME": str(tmp_path / "home"),
        "ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "ATLAS_FETCH_RETRY_DELAY": "0.1",
        "TEMPORAL_ADDRESS": temporal_address,
        "TEMPORAL_NAMESPACE": namespace,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = await Client.connect(
        temporal_address, namespace=namespace, data_converter=data_converter()
    )
    async with asyncpg.create_pool(
        database_url, min_size=1, max_size=4, reset=keep_session
    ) as pool:
        env = AtlasEnv(
            database_url, temporal_address, namespace, tmp_path / "blobs", client, pool, variables
        )
        with lent():
            yield env
        env.end_workers()


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server
