"""Addresses of files have one spelling, whatever their names are, and are no addresses of the
web."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.bucket_urls import (
    BucketPlace,
    folder_at,
    lies_below,
    page_address,
    place_of,
)
from atlas.domain.addresses.urls import (
    InvalidUrl,
    canonicalize,
    host_named,
    host_of,
    origin_of,
    with_fragment,
)

NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: b"\0" not in name and not {b".", b".."} & set(name.split(b"/"))
)


@given(NAMES, st.sampled_from(["", "team-docs"]))
def test_each_name_has_an_address_that_names_it(name: bytes, bucket: str) -> None:
    place = BucketPlace(bucket, name if bucket else b"/" + name)
    assert place_of(place.url) == place
    assert page_address(place.url) == place.url
    assert place.url.isascii() and "?" not in place.url and "#" not in place.url
    with pytest.raises(InvalidUrl):
        canonicalize(place.url)


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("file:///srv/a b.md", "file:///srv/a%20b.md"),
        ("file:///srv/a%20b.md", "file:///srv/a%20b.md"),
        ("FILE://localhost/srv/%61.md", "file:///srv/a.md"),
        ("s3://team-docs/Größe.txt", "s3://team-docs/Gr%C3%B6%C3%9Fe.txt"),
        ("https://EXAMPLE.org/a", "https://example.org/a"),
    ],
)
def test_people_write_them_in_several_ways(given: str, spelled: str) -> None:
    assert page_address(given) == spelled


@pytest.mark.parametrize(
    "url",
    [
        "file://host/srv/a.md",
        "file:///srv/../etc/passwd",
        "file:///srv/%2e%2e/etc/passwd",
        "file:///srv/a%00.md",
        "s3://Bucket/a",
        "s3:///a",
        "ftp://example.org/a",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidUrl):
        page_address(url)


def test_folders_hold_what_lies_below_them() -> None:
    docs = folder_at("file:///srv/docs")
    assert docs.url == "file:///srv/docs/"
    assert docs.holds(place_of("file:///srv/docs/a.md"))
    assert not docs.holds(place_of("file:///srv/docs-old/a.md"))
    assert folder_at("s3://team-docs").holds(place_of("s3://team-docs/a.md"))
    assert not folder_at("s3://team-docs").holds(place_of("s3://team/a.md"))
    assert lies_below("s3://team-docs/a/b.md", ["file:///srv/", "s3://team-docs/a/"])
    assert not lies_below("https://example.org/", ["file:///"])


def test_hosts_origins_and_fragments() -> None:
    assert (host_of("file:///srv/a.md"), host_of("s3://team-docs/a.md")) == ("", "team-docs")
    assert origin_of("s3://team-docs/a.md") == "s3://team-docs"
    assert with_fragment("file:///srv/a.md", "a b") == "file:///srv/a.md#a%20b"
    with pytest.raises(InvalidUrl):
        host_named("s3://team-docs/")
