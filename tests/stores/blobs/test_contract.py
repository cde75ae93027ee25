"""What every blob store promises, tried on each of them."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.domain.blob import BlobInfo, BlobMissing, BlobRef, BlobStoreError
from atlas.domain.errors import ErrorClass
from atlas.stores.blobs import Blobs
from tests.stores.blobs.conftest import MAX_BODY

ABSENT = "0" * 64
BAD_DIGESTS = ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, f"{'0' * 64}\n", "/" * 64]


def ref_of(body: bytes) -> BlobRef:
    return BlobRef(hashlib.sha256(body).hexdigest(), len(body))


async def listed(blobs: Blobs) -> dict[str, BlobInfo]:
    return {info.digest: info async for info in blobs.list()}


async def test_a_body_is_named_by_its_sha256_and_comes_back(blobs: Blobs) -> None:
    body = b"<html>" * 1000
    assert await blobs.put(body) == ref_of(body)
    assert await blobs.get(ref_of(body).digest) == body
    assert await blobs.exists(ref_of(body).digest)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(chunks=st.lists(st.binary(max_size=400) | st.just(b"x" * 300_000), max_size=5))
async def test_any_chunks_come_back_as_one_body(blobs: Blobs, chunks: list[bytes]) -> None:
    async with blobs.writer() as writer:
        for chunk in chunks:
            await writer.write(chunk)
        ref = await writer.finish()
        await writer.publish()
    assert ref == ref_of(b"".join(chunks))
    assert await blobs.get(ref.digest) == b"".join(chunks)


async def test_an_incompressible_body_of_the_largest_size(blobs: Blobs) -> None:
    body = os.urandom(MAX_BODY)
    ref = await blobs.put(body)
    assert await blobs.get(ref.digest) == body


async def test_a_larger_body_is_refused_and_leaves_nothing(blobs: Blobs) -> None:
    with pytest.raises(BlobStoreError, match=str(MAX_BODY)) as caught:
        await blobs.put(b"x" * (MAX_BODY + 1))
    assert caught.value.error_class is ErrorClass.QUOTA
    assert await listed(blobs) == {}


async def test_nothing_is_visible_before_publish(blobs: Blobs) -> None:
    async with blobs.writer() as writer:
        await writer.write(b"not yet")
        ref = await writer.finish()
        assert not await blobs.exists(ref.digest)
        assert await listed(blobs) == {}
        await writer.publish()
        assert await blobs.get(ref.digest) == b"not yet"


@pytest.mark.parametrize("finish", [False, True])
async def test_leaving_without_publish_discards(blobs: Blobs, finish: bool) -> None:
    async with blobs.writer() as writer:
        await writer.write(b"y" * 600_000)
        if finish:
            await writer.finish()
    assert await listed(blobs) == {}


async def test_finish_and_publish_may_be_repeated(blobs: Blobs) -> None:
    async with blobs.writer() as writer:
        await writer.write(b"twice")
        assert await writer.finish() == await writer.finish()
        await writer.publish()
        await writer.publish()
    assert set(await listed(blobs)) == {ref_of(b"twice").digest}


async def test_calls_out_of_order_are_refused(blobs: Blobs) -> None:
    async with blobs.writer() as writer:
        with pytest.raises(RuntimeError, match="before finish"):
            await writer.publish()
        await writer.finish()
        with pytest.raises(RuntimeError, match="after finish"):
            await writer.write(b"late")


async def test_the_same_body_put_by_many_at_once(blobs: Blobs) -> None:
    body = os.urandom(400_000)
    refs = await asyncio.gather(*(blobs.put(body) for _ in range(8)))
    assert set(refs) == {ref_of(body)}
    assert set(await listed(blobs)) == {ref_of(body).digest}
    assert await blobs.get(ref_of(body).digest) == body


@pytest.mark.parametrize("yields", [0, 1, 2, 5, 20])
async def test_a_cancelled_put_leaves_all_or_nothing(blobs: Blobs, yields: int) -> None:
    body = os.urandom(600_000)
    put = asyncio.create_task(blobs.put(body))
    for _ in range(yields):
        await asyncio.sleep(0)
    put.cancel()
    await asyncio.wait([put])
    if ref_of(body).digest in await listed(blobs):
        assert await blobs.get(ref_of(body).digest) == body
    assert await blobs.put(body) == ref_of(body)
    assert await blobs.get(ref_of(body).digest) == body


async def test_a_missing_blob(blobs: Blobs) -> None:
    assert not await blobs.exists(ABSENT)
    with pytest.raises(BlobMissing, match=ABSENT):
        await blobs.get(ABSENT)


async def test_delete_is_idempotent(blobs: Blobs) -> None:
    ref = await blobs.put(b"short-lived")
    await blobs.delete(ref.digest)
    await blobs.delete(ref.digest)
    assert not await blobs.exists(ref.digest)
    assert await listed(blobs) == {}


async def test_a_listing_tells_size_and_time(blobs: Blobs) -> None:
    body = b"z" * 100_000
    await blobs.put(body)
    info = (await listed(blobs))[ref_of(body).digest]
    assert 0 < info.stored_bytes < len(body)
    assert abs(datetime.now(UTC) - info.modified) < timedelta(days=1)


async def test_a_listing_of_one_part(blobs: Blobs) -> None:
    refs = [await blobs.put(str(number).encode()) for number in range(40)]
    parts = sorted({ref.digest[:2] for ref in refs})
    assert len(parts) > 10
    for part in parts:
        found = {info.digest async for info in blobs.list(part)}
        assert found == {ref.digest for ref in refs if ref.digest[:2] == part}
    unused = next(f"{number:02x}" for number in range(256) if f"{number:02x}" not in parts)
    assert [info async for info in blobs.list(unused)] == []


@pytest.mark.parametrize("part", ["../", "a", "abc", "AB", "a/", "\n\n"])
async def test_only_two_hex_digits_name_a_part(blobs: Blobs, part: str) -> None:
    with pytest.raises(ValueError, match="two lower-case hex digits"):
        [info async for info in blobs.list(part)]


async def test_nothing_is_left_over_by_writers_that_ended(blobs: Blobs) -> None:
    await blobs.put(b"whole")
    with pytest.raises(BlobStoreError):
        await blobs.put(b"x" * (MAX_BODY + 1))
    assert [each async for each in blobs.leftovers(timedelta(seconds=-1))] == []


@pytest.mark.parametrize("digest", BAD_DIGESTS)
async def test_only_a_digest_names_a_blob(blobs: Blobs, digest: str) -> None:
    for call in (blobs.get, blobs.exists, blobs.delete):
        with pytest.raises(ValueError, match="SHA-256"):
            await call(digest)


async def test_the_check_leaves_nothing(blobs: Blobs) -> None:
    await blobs.check()
    assert await listed(blobs) == {}
