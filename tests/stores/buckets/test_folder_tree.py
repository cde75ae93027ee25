"""A folder is listed and read without leaving it, whatever lies in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from atlas.domain.addresses.bucket_urls import folder_at
from atlas.domain.fetch import FetchError, FetchRequest, Validators
from atlas.stores.buckets import folder_tree
from atlas.stores.buckets.bucket_reader import BucketReader, outside_roots


class Sink:
    def __init__(self) -> None:
        self.body = b""

    async def write(self, chunk: bytes) -> None:
        self.body += chunk


def url_of(path: Path) -> str:
    return folder_at(path.as_uri()).url


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    (root / "deep" / "deeper").mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / "secret.md").write_text("outside")
    return root


async def listed(reader: BucketReader, url: str) -> tuple[set[str], list[str]]:
    found, troubles = set(), []
    async for base, part in reader.list(url):
        found |= {base.below(file.name).url.removeprefix(url) for file in part.files}
        troubles += [part.trouble.code] if part.trouble else []
    return found, troubles


async def read(
    reader: BucketReader, url: str, etag: str | None = None, most: int = 1000
) -> tuple[bytes, str | None, int]:
    sink = Sink()
    request = FetchRequest(url, validators=Validators(etag), max_bytes=most)
    result = await reader.fetch(request, sink)
    return sink.body, result.validators.etag, result.status


async def test_odd_names_are_listed_and_read(root: Path) -> None:
    names = [b"a b.md", b"q?x=1#y.txt", "Größe.md".encode(), b"latin\xe9.txt", b"new\nline.md"]
    for name in names:
        (root / "deep" / os.fsdecode(name)).write_bytes(b"text of " + name)
    (root / ".hidden.md").write_text("x")
    (root / ".git" / "config.txt").write_text("x")
    async with BucketReader([url_of(root)]) as reader:
        found, troubles = await listed(reader, url_of(root))
        assert (len(found), troubles) == (len(names), [])
        bodies = {(await read(reader, url_of(root) + name))[0] for name in found}
        assert bodies == {b"text of " + name for name in names}
        assert await listed(reader, url_of(root / "deep")) == (
            {name.removeprefix("deep/") for name in found}, [],
        )  # fmt: skip


async def test_nothing_leads_out_of_a_folder(root: Path, tmp_path: Path) -> None:
    (root / "link.md").symlink_to(tmp_path / "secret.md")
    (root / "inner.md").symlink_to(root / "deep")
    (root / "out").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.md")
    (root / "deep" / "a.md").write_text("inside")
    async with BucketReader([url_of(root)]) as reader:
        found, _ = await listed(reader, url_of(root))
        assert found == {"deep/a.md"}
        for name, code in (
            ("link.md", "link_refused"),
            ("out/secret.md", "file_missing"),
            ("pipe.md", "not_a_file"),
            ("none.md", "file_missing"),
        ):
            with pytest.raises(FetchError) as refused:
                await read(reader, url_of(root) + name)
            assert refused.value.code in (code, "link_refused"), name
        for url in (url_of(tmp_path) + "secret.md", f"{url_of(root)}%2e%2e/secret.md"):
            with pytest.raises(FetchError) as refused:
                await read(reader, url)
            assert refused.value.code in ("outside_roots", "url_malformed")


async def test_an_unchanged_file_is_not_read(root: Path) -> None:
    file = root / "a.md"
    file.write_text("one")
    async with BucketReader([url_of(root)]) as reader:
        body, etag, status = await read(reader, url_of(root) + "a.md")
        assert (body, status) == (b"one", 200)
        assert await read(reader, url_of(root) + "a.md", etag) == (b"", etag, 304)
        before = file.stat()
        file.write_text("two")  # as long, and with the time of the first
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (await read(reader, url_of(root) + "a.md", etag))[0] == b"two"
        with pytest.raises(FetchError) as refused:
            await read(reader, url_of(root) + "a.md", most=2)
        assert refused.value.code == "body_too_large"


async def test_a_folder_that_cannot_be_listed_is_a_trouble(root: Path) -> None:
    (root / "deep" / "a.md").write_text("inside")
    async with BucketReader([url_of(root)]) as reader:
        with pytest.raises(Exception, match="No such file") as gone:
            await listed(reader, url_of(root / "none"))
        assert getattr(gone.value, "code", "") == "bucket_unreachable"
        if os.geteuid() == 0:
            return  # who may read everything is refused nothing
        (root / "deep").chmod(0)
        try:
            assert await listed(reader, url_of(root)) == (set(), ["file_forbidden"])
        finally:
            (root / "deep").chmod(0o700)


def test_roots_are_whole_folders(root: Path) -> None:
    assert outside_roots([url_of(root)], [url_of(root)]) == ""
    assert outside_roots([url_of(root / "deep")], [url_of(root)]) == ""
    for url in (url_of(root.parent), "file:///srv/docs-old/", "s3://docs/"):
        assert "ATLAS_BUCKET_ROOTS" in outside_roots([url], [url_of(root)])


@pytest.mark.parametrize("seconds", [-1e12, -1.0, 1e12, 1e18])
def test_a_time_that_is_no_date_costs_no_listing(seconds: float) -> None:
    """Some file systems keep any number that a program sets."""
    assert folder_tree._moment(seconds).year in (1970, 9999)


async def test_a_file_from_the_far_future_is_listed_and_read(root: Path) -> None:
    file = root / "late.md"
    file.write_text("Late.")
    os.utime(file, (10**12, 10**12))  # kept as it is by tmpfs, cut to 2446 by ext4
    async with BucketReader([url_of(root)]) as reader:
        assert await listed(reader, url_of(root)) == ({"late.md"}, [])
        assert (await read(reader, url_of(root) + "late.md"))[0] == b"Late."
