"""A document of which a part is missing is marked wherever it is shown, through a real worker."""

from starter.client import AtlasClient
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin

LACKS = "what follows <template> that is never closed"


def page(about: str, rest: str = "", link: str = "") -> str:
    text = f"<p>All that is known about {about} and those who keep them burning.</p>{rest}"
    return f"<html><head><title>{about}</title></head><body>{text}{link}</body>"


async def test_a_cut_document_is_marked_everywhere(atlas_env: AtlasEnv, origin: Origin) -> None:
    cut = origin.url("/s/cut")
    origin.page("/s/", page("lamps", link='<a href="cut">cut</a>'))
    origin.page("/s/cut", page("buoys", rest="<template><p>The rest of the page.</p>"))
    await atlas_env.add_source("site", "site", origin.url("/s/"), prefix=origin.url("/s/"))
    async with atlas_env.worker():
        first = await atlas_env.sync("site")
        assert first.counts.added == 2
        async with AtlasClient.connect() as atlas:
            assert (await atlas.search("buoys")).results[0].truncated == LACKS
            assert (await atlas.document(cut)).current.truncated == LACKS
            listed = {each.url: each.truncated async for each in atlas.documents()}
            assert listed == {cut: LACKS, origin.url("/s/"): None}
            run = await atlas.runs.describe("site")
            assert (run.truncated_count, [it.lacks for it in run.truncated]) == (1, [LACKS])
            assert run.truncated[0].url == cut
        ledger = await atlas_env.fetch("select url, truncated from fetches order by url")
        assert [row["truncated"] for row in ledger] == [None, LACKS]

        # Whole again: nothing is said of it any more, but the ledger keeps what was.
        origin.page("/s/cut", page("buoys", rest="<p>The rest of the page.</p>"))
        await atlas_env.sync("site", id="again")
        async with AtlasClient.connect() as atlas:
            assert (await atlas.search("buoys")).results[0].truncated is None
            assert (await atlas.runs.describe("again")).truncated_count == 0
        kept = await atlas_env.fetch("select from fetches where truncated = $1", LACKS)
        assert len(kept) == 1
