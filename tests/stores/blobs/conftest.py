"""Both blob stores, empty, for the one contract."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from atlas.stores.blobs import Blobs, open_blobs
from tests.stores.blobs.seaweed import ACCESS_KEY, SECRET_KEY, seaweed_server

MAX_BODY = 8 * 1024 * 1024


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real S3 server with a bucket `atlas`."""
    with seaweed_server(tmp_path_factory.mktemp("seaweed")) as endpoint:
        yield endpoint


@pytest.fixture
def s3_environment(seaweed: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment an operator would set for that server."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", seaweed)
    return seaweed


@pytest_asyncio.fixture(scope="session")
async def bucket(seaweed: str) -> str:
    """A bucket on that server."""
    async with s3_session().client("s3", endpoint_url=seaweed) as client:
        await client.create_bucket(Bucket="atlas")
    return "atlas"


@pytest_asyncio.fixture
async def objects(s3_environment: str, bucket: str) -> AsyncIterator[Any]:
    """A client of that server, of the vendor's library."""
    async with s3_session().client("s3", endpoint_url=s3_environment) as client:
        yield client


def s3_session() -> Any:
    """With the credentials of that server."""
    import aioboto3

    return aioboto3.Session(ACCESS_KEY, SECRET_KEY, region_name="us-east-1")


async def put_objects(client: Any, named: Mapping[str, bytes]) -> None:
    """Put objects into the bucket `atlas`, several at once."""
    room = asyncio.Semaphore(16)

    async def put(key: str, body: bytes) -> None:
        async with room:
            await client.put_object(Bucket="atlas", Key=key, Body=body)

    await asyncio.gather(*(put(key, body) for key, body in named.items()))


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store lies."""
    if request.param == "folder":
        return str(tmp_path / "blobs")
    request.getfixturevalue("s3_environment")
    name: str = request.getfixturevalue("bucket")
    return f"s3://{name}/{uuid.uuid4().hex}/nested"


@pytest_asyncio.fixture
async def blobs(location: str) -> AsyncIterator[Blobs]:
    async with open_blobs(location, MAX_BODY) as opened:
        yield opened
