"""More than one Atlas in a test, and workers that are killed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client

from atlas.stores.postgres.connection import keep_session
from atlas.temporal.connection import data_converter
from tests.conftest import PostgresServer
from tests.e2e.forks import children
from tests.e2e.stack import AtlasEnv, Spawned, fresh_namespace
from tests.e2e.zygotes import lent, zygotes_of


@dataclass(frozen=True)
class Servers:
    """The session's servers, on which any number of Atlases find room."""

    postgres: PostgresServer
    template: str
    temporal: str

    @asynccontextmanager
    async def atlas(self, folder: Path) -> AsyncIterator[AtlasEnv]:
        """A database, namespace and blob folder of its own; its workers are processes."""
        name = f"atlas_{uuid.uuid4().hex[:12]}"
        url = await self.postgres.create(name, self.template)
        namespace = await fresh_namespace(self.temporal)
        folder.mkdir(parents=True, exist_ok=True)
        client = await Client.connect(
            self.temporal, namespace=namespace, data_converter=data_converter()
        )
        variables = {
            "ATLAS_DATABASE_URL": url,
            "ATLAS_BLOBS": str(folder / "blobs"),
            "ATLAS_HOME": str(folder / "home"),
            "ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "ATLAS_FETCH_RETRY_DELAY": "0.1",
            "TEMPORAL_ADDRESS": self.temporal,
            "TEMPORAL_NAMESPACE": namespace,
        }
        try:
            async with asyncpg.create_pool(url, min_size=1, max_size=4, reset=keep_session) as pool:
                env = AtlasEnv(
                    url, self.temporal, namespace, folder / "blobs", client, pool, variables
                )
                try:
                    with lent():
                        yield env
                finally:
                    env.end_workers()
        finally:
            await self.postgres.drop(name)


@pytest.fixture(scope="session")
def servers(
    lent_zygotes: None,
    postgres_server: PostgresServer,
    migrated_template: str,
    temporal_address: str,
) -> Servers:
    return Servers(postgres_server, migrated_template, temporal_address)


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait for a condition; pytest's timeout ends a wait that is in vain."""
    while not await holds():
        await asyncio.sleep(0.02)


async def until_pages(env: AtlasEnv, stage: str, pages: int) -> None:
    """Wait until so many pages of the runs have come to a stage."""

    async def there() -> bool:
        found = await env.value("select count(*) from run_pages where stage = $1", stage)
        return bool(found >= pages)

    await until(there)


async def kill(process: Spawned) -> None:
    """SIGKILL a worker; return once it and its children are gone (no child outlives it)."""
    begun = _begun(process.pid)
    process.kill()
    process.wait(100)

    async def gone() -> bool:
        return not any(Path(f"/proc/{child}").exists() for child in begun)

    await until(gone)


def _begun(pid: int) -> list[int]:
    """Its children and zygotes, and theirs."""
    found: list[int] = []
    for child in (*children(pid), *zygotes_of(pid)):
        found += [child, *_begun(child)]
    return found
