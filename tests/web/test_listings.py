"""The limits of a whole listing, its files and its addresses: what is beyond them is said."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from atlas.domain.sources import SourceSpec
from atlas.web.client import WebClient
from atlas.web.listing_parser import Listed
from atlas.web.listings import Listing, read_listing
from atlas.web.politeness import OpenSlots
from tests.origin import Origin
from tests.web.fetching import LOOPBACK
from tests.web.parsed import Trusting, parse_here

XML = "application/xml"


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


def urlset(origin: Origin, first: int, last: int) -> str:
    locs = "".join(f"<url><loc>{origin.url(f'/{n}')}</loc></url>" for n in range(first, last))
    return f"<urlset>{locs}</urlset>"


async def read(spec: SourceSpec) -> tuple[Listing, list[str]]:
    found: list[str] = []

    async def take(part: Sequence[Listed]) -> None:
        found.extend(each.url for each in part)

    async with WebClient(policy=LOOPBACK) as client:
        return await read_listing(client, parse_here, spec, OpenSlots(), Trusting(), take), found


def codes(listing: Listing) -> list[tuple[str, str]]:
    return [(url.rpartition("/")[2], error.code) for url, error in listing.troubles]


async def test_no_more_files_are_read_than_the_source_allows(origin: Origin) -> None:
    children = "".join(f"<sitemap><loc>{origin.url(f'/m{n}')}</loc></sitemap>" for n in range(9))
    origin.page("/index", f"<sitemapindex>{children}</sitemapindex>", content_type=XML)
    for n in range(9):
        origin.page(f"/m{n}", urlset(origin, n, n + 1), content_type=XML)
    whole = SourceSpec("map", "sitemap", (origin.url("/index"),), listing_files=10)
    listing, found = await read(whole)
    assert (len(found), listing.complete, listing.troubles) == (9, True, [])
    listing, found = await read(replace(whole, listing_files=4))
    assert found == [origin.url(f"/{n}") for n in range(3)]
    assert (listing.complete, codes(listing)) == (False, [("m3", "listing_too_long")])
    assert "more than 4 files of a listing" in listing.troubles[0][1].message
    assert "--listing-files" in listing.troubles[0][1].message


@pytest.mark.parametrize(("kind", "most"), [("sitemap", 3), ("sitemap", 5), ("feed", 3)])
async def test_no_more_addresses_are_read_than_the_source_allows(
    origin: Origin, kind: str, most: int
) -> None:
    """Within a file, and before the next one is asked for."""
    for n in range(3):
        items = "".join(f"<item><link>/{i}</link></item>" for i in range(n * 2, n * 2 + 2))
        feed = f"<rss><channel>{items}</channel></rss>"
        body = feed if kind == "feed" else urlset(origin, n * 2, n * 2 + 2)
        origin.page(f"/m{n}", body, content_type=XML)
    starts = tuple(origin.url(f"/m{n}") for n in range(3))
    spec = SourceSpec("map", kind, starts, listing_addresses=most)  # type: ignore[arg-type]
    listing, found = await read(spec)
    assert len(found) == listing.pages == most
    assert not listing.complete
    assert {code for _, code in codes(listing)} == {"listing_too_long"}
    assert "--listing-addresses" in listing.troubles[0][1].message
    if most == 3:
        assert not origin.requests("/m2")


async def test_a_file_is_read_up_to_the_bytes_that_the_source_allows(origin: Origin) -> None:
    body = urlset(origin, 0, 60)
    origin.page("/map", body, content_type=XML)
    spec = SourceSpec("map", "sitemap", (origin.url("/map"),), listing_bytes=1024)
    listing, found = await read(spec)
    assert (found, listing.complete) == ([], False)
    assert codes(listing) == [("map", "body_too_large")]
    listing, found = await read(replace(spec, listing_bytes=len(body)))
    assert (len(found), listing.complete) == (60, True)
