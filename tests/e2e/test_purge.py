"""Erasure end to end: through the worker and the command line, with a run under way."""

from __future__ import annotations

from typing import Any

from atlas.stores.postgres.erasure import traces
from starter import AtlasClient
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.starter.conftest import Atlas, atlas
from tests.stores.test_index_erasure import words_in

__all__ = ["atlas"]

PAGE = "<html lang=en><title>{0}</title><p>{0} lies at the quay until the tide turns.</p></html>"


async def test_a_page_is_erased_stays_away_and_comes_back_when_it_is_allowed(
    atlas_env: AtlasEnv,
    origin: Origin,
    atlas: Atlas,
) -> None:
    for name in ("boat", "crane", "person"):
        origin.page(f"/{name}", PAGE.format(name))
    url = origin.url("/person")
    await atlas_env.add_source(
        "docs", "urls", *(origin.url(f"/{name}") for name in ("boat", "crane", "person"))
    )
    async with atlas_env.worker():
        await atlas_env.sync("docs")
        body = await atlas_env.pool.fetchval(
            "select encode(ps.fetched_snapshot, 'hex') from page_state ps "
            "join pages p on p.id = ps.page_id where p.url = $1",
            url,
        )
        assert [path.name for path in atlas_env.blobs.rglob(f"{body}*")]
        counted = await atlas("purge", url, "--dry-run", "--wait", "-o", "json")
        assert (counted.code, counted.json["documents"]) == (0, 1)
        assert (await atlas("search", "person")).code == 0
        refused = await atlas("purge", url)
        assert (refused.code, "--yes" in refused.err) == (2, True)

        erased = await atlas("purge", url, "--reason", "asked", "--yes", "--wait")
        assert erased.code == 0, erased
        assert "every table searched: 0 traces" in erased.out
        assert "1 bodies deleted" in erased.out
        async with atlas_env.pool.acquire() as connection:
            assert await traces.of_addresses(connection, [url]) == {}
        assert not [path.name for path in atlas_env.blobs.rglob(f"{body}*")]
        assert words_in(atlas_env.blobs.parent / "home" / "index", "person") == set()
        assert words_in(atlas_env.blobs.parent / "home" / "index", "boat") == {"boat"}
        await assert_invariants(atlas_env.pool, atlas_env.blobs)

        async with AtlasClient.connect() as client:
            fetched = await client.fetch_url(url)
            assert (fetched.success, fetched.error_code) == (False, "purged")
            assert url not in (fetched.error or "")
            kept = await client.purged()
            assert [each.reason for each in kept] == ["asked"]
            audit: Any = await (await client.start("audit_corpus", full=True)).result()
            assert (audit.outcome, audit.findings) == ("completed", 0), audit
        allowed = await atlas("purge", "--allow", url)
        assert allowed.code == 0, allowed
        again = await atlas("purge", "--allow", url)
        assert again.code == 1
        async with AtlasClient.connect() as client:
            assert (await client.fetch_url(url)).success
