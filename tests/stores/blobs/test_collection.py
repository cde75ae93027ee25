"""Blobs are compared with their rows, condemned and deleted in either store."""

from datetime import UTC, datetime, timedelta

import pytest

from atlas.stores.blobs import Blobs
from tests.stores.cleaning import Cleaner
from tests.stores.drive import Drive


@pytest.fixture
def cleaner(drive: Drive, blobs: Blobs) -> Cleaner:
    drive.now = datetime.now(UTC)
    return Cleaner(drive, blobs)


async def test_what_nothing_refers_to_goes_and_what_is_live_stays(cleaner: Cleaner) -> None:
    await cleaner.drive.add("docs")
    await cleaner.sync("docs", {"https://example.org/a": "The keeper wrote a line."})
    live = await cleaner.objects()
    rowless = (await cleaner.blobs.put(b"put by nobody we know")).digest
    unwanted = [await cleaner.put(f"unwanted {number}".encode()) for number in range(30)]
    cleaner.drive.now += timedelta(days=3)
    cleaned = await cleaner.clean()
    assert (cleaned.adopted, cleaned.condemned) == (1, 31)
    assert await cleaner.value("select count(*) from blobs where stored_bytes is null") <= 1
    cleaner.drive.now += timedelta(days=3)
    cleaned = await cleaner.clean()
    assert cleaned.of("snapshots") == {rowless, *unwanted}
    assert cleaned.ended.bytes_freed > 0
    assert live <= await cleaner.objects()
    assert not {rowless, *unwanted} & await cleaner.objects()


async def test_a_lost_body_is_noticed(cleaner: Cleaner) -> None:
    await cleaner.drive.add("docs")
    await cleaner.sync("docs", {"https://example.org/a": "The keeper wrote a line."})
    (lost,) = await cleaner.objects()
    await cleaner.blobs.delete(lost)
    cleaner.drive.now += timedelta(days=3)
    cleaned = await cleaner.clean()
    assert [blob.digest for blob in cleaned.ended.missing_blobs] == [lost]
    assert cleaned.mended.pages == 1
