"""A worker dials no port of Atlas, and no private address that a public page named."""

import pytest

from tests.e2e.stack import AtlasEnv
from tests.e2e.test_fetch_url import fetch
from tests.origin import Origin
from tests.web.reach import PUBLIC, as_public

pytestmark = pytest.mark.fault(14)

NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


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
        await atlas_env.add_source("map", "sitemap", public.url("/map.xml"))
        await atlas_env.add_source("list", "urls", public.url("/to"), public.url("/api"), temporal)
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
