"""A worker dials no port of Atlas, and no private address that a public page named."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import AtlasEnv
from tests.e2e.test_fetch_url import fetch
from tests.origin import Origin
from tests.web.reach import PUBLIC, as_public

NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@pytest.mark.fault(14)
async def test_where_a_worker_does_not_go(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_public(monkeypatch)
    monkeypatch.setenv("ATLAS_FETCH_ALLOW_NETWORKS", "127.0.0.1/32")
    temporal = f"http://{atlas_env.address}/api/v1/namespaces"
    async with Origin(PUBLIC) as public:
        origin.page("/in", "<p>Nobody outside is to read of our harbour lamps.")
        public.page("/p", "<p>All about harbour lamps and who keeps them burning.")
        urls = "".join(f"<url><loc>{u}</loc></url>" for u in (public.url("/p"), origin.url("/in")))
        public.page("/map.xml", f"<urlset {NAMESPACE}>{urls}</urlset>")
        public.redirect("/to", origin.url("/in"))
        public.redirect("/api", temporal)
        rules = {"allow": ("any",), "ports": (int(origin.host.rpartition(":")[2]),)}
        listed_urls = (public.url("/to"), public.url("/api"), temporal)
        await atlas_env.add_source("map", "sitemap", public.url("/map.xml"), **rules)
        await atlas_env.add_source("list", "urls", *listed_urls, **rules)
        async with atlas_env.worker():
            listed = await atlas_env.sync("map", "list")
            asked = await fetch(atlas_env, temporal, robots="ignore")
            named = await fetch(atlas_env, origin.url("/in"))
    assert (listed.counts.added, listed.counts.failed) == (1, 4)
    failed = await atlas_env.fetch(
        "select url, error_class, error_code, error from run_pages where outcome = 'failed'"
    )
    assert {row["url"] for row in failed} == {
        *(public.url("/to"), public.url("/api"), origin.url("/in"), temporal)
    }
    assert {(row["error_class"], row["error_code"]) for row in failed} == {
        ("blocked", "address_refused")
    }
    ours = [row["url"] for row in failed if "a part of Atlas itself" in row["error"]]
    assert temporal in ours
    assert (asked.success, asked.error_code) == (False, "address_refused")
    assert named.success  # a person named it
    assert len(origin.requests("/in")) == 1


async def test_a_source_opens_its_neighbours_one_by_one(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    async with Origin("127.0.0.3") as wiki, Origin("127.0.0.4") as other:
        pages = [each.url("/p") for each in (origin, wiki, other)]
        for each in (origin, wiki, other):
            each.page("/p", f"<p>All about the harbour lamps at {each.host}, every one of them.")
        urls = "".join(f"<url><loc>{url}</loc></url>" for url in pages)
        origin.page("/map.xml", f"<urlset {NAMESPACE}>{urls}</urlset>")
        start = origin.url("/map.xml")
        await atlas_env.add_source("new", "sitemap", start, allow=(wiki.host,))
        async with atlas_env.worker():
            first = await atlas_env.sync("new")
            failed = await atlas_env.fetch(
                "select url, error_code, error from run_pages where outcome = 'failed'"
            )
            assert (first.counts.added, first.counts.failed) == (2, 1)
            assert [(row["url"], row["error_code"]) for row in failed] == [
                (other.url("/p"), "port_refused")
            ]
            fix = f"`atlas sources edit new --allow {wiki.host} --allow {other.host}`"
            assert fix in failed[0]["error"]
            assert other.log == []
            # The fix, as said; no worker is restarted.
            allowed = [wiki.host, other.host]
            await atlas_env.pool.execute("update sources set allow = $1", allowed)
            assert (await atlas_env.sync("new")).counts.added == 1


async def test_credentials_go_to_no_url_that_an_input_names_unless_a_source_is_there(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with Origin() as wiki:
        for site in (origin, wiki):
            site.page("/a", "<p>All about harbour lamps and who keeps them burning.")
        origin.redirect("/to", wiki.url("/a"))
        file = tmp_path / "credentials.toml"
        file.write_text(f'["{wiki.base}".headers]\nX-Key = "text:s3cret"\n')
        monkeypatch.setenv("ATLAS_CREDENTIALS_FILE", str(file))
        urls = {"urls": [wiki.url("/a"), origin.url("/b")]}
        await atlas_env.add_source("docs", "urls", origin.url("/a"))

        async def collect() -> dict[str, Any]:
            handle = await atlas_env.client.start_workflow(
                "collect_from_source", {"source": "docs"}, id="c", task_queue="atlas"
            )
            added: dict[str, Any] = await handle.execute_update("add_urls", urls)
            await handle.result()
            return added

        async with atlas_env.worker():
            for url in (wiki.url("/a"), origin.url("/to")):
                await fetch(atlas_env, url)
            assert len(wiki.requests("/a")) == 1  # the redirect's port is closed to a single fetch
            assert "x-key" not in wiki.requests("/a")[0].headers
            added = await collect()
            assert [each["url"] for each in added["refusals"]] == [wiki.url("/a")]
            assert "ATLAS_CREDENTIALS_FILE" in added["refusals"][0]["reason"]
            assert len(wiki.requests("/a")) == 1

            await atlas_env.add_source("wiki", "urls", wiki.url("/"))
            await fetch(atlas_env, wiki.url("/a"))
            assert wiki.requests("/a")[1].headers["x-key"] == "s3cret"
            assert (await collect())["refusals"] == []
