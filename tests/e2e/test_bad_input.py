"""A hostile web: every kind of trouble ends by name in the ledger and in the counts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from atlas.contracts.sync_pipeline import SyncResult
from tests.e2e.stack import AtlasEnv
from tests.e2e.test_politeness import page, sitemap
from tests.origin import Origin, Reply

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 40
CAFE = "<html><body><p>Das Café am Hafen öffnet früh, wenn die Boote zurückkehren.</body></html>"
# The limits of time are those of pages that hang, in a test of their own. For all others a busy
# machine may take as long as it needs.
LIMITS = {
    "ATLAS_FETCH_TIMEOUT": "100",
    "ATLAS_FETCH_ATTEMPTS": "2",
    "ATLAS_FETCH_MAX_BYTES": str(5 * 1024 * 1024),
    "ATLAS_EXTRACT_TIMEOUT": "100",
    "ATLAS_EXTRACT_MEMORY": str(256 * 1024 * 1024),
}

# What becomes of each page of the scripted site: outcome, error class, code (in the run), and
# the HTTP status of the ledger's last row.
EXPECTED: dict[str, tuple[str, str | None, str | None, int | None]] = {
    "/site/": ("added", None, None, 200),
    "/site/good": ("added", None, None, 200),
    "/site/wrong-charset": ("added", None, None, 200),
    "/site/no-such-charset": ("added", None, None, 200),
    "/site/empty": ("failed", "invalid", "empty_body", 200),
    "/site/blank": ("failed", "invalid", "no_text", 200),
    "/site/app": ("failed", "invalid", "needs_browser", 200),
    "/site/binary": ("failed", "invalid", "binary_content", 200),
    "/site/broken.pdf": ("failed", "invalid", "pdf_broken", 200),
    "/site/eats-memory": ("failed", "invalid", "extractor_memory", 200),
    "/site/404": ("failed", "gone", "http_404", 404),
    "/site/410": ("failed", "gone", "http_410", 410),
    "/site/403": ("failed", "blocked", "http_403", 403),
    "/site/500": ("failed", "transient", "http_500", 500),
    "/site/500-once": ("added", None, None, 200),
    "/site/loop": ("failed", "invalid", "redirect_loop", 302),
    "/site/nowhere": ("failed", "invalid", "redirect_invalid", 302),
    "/site/leaves": ("skipped", "invalid", "redirected_out_of_scope", 302),
    "/site/moved": ("skipped", "invalid", "redirected", 302),
    "/site/hangs-up": ("failed", "transient", "connection_closed", None),
    "/site/no-http": ("failed", "invalid", "invalid_http", None),
    "/site/truncated": ("failed", "transient", "truncated_body", 200),
    "/site/oversized": ("failed", "quota", "body_too_large", 200),
    "/site/bomb": ("failed", "quota", "body_too_large", 200),
    "/site/private": ("failed", "blocked", "robots_disallowed", None),
}
LINKED = [path for path in EXPECTED if path != "/site/"]
MALFORMED = ["http://[::1", "http://a b/", "mailto:me@example.org", "javascript:void(0)", "http://"]


def script(origin: Origin) -> None:
    """Write the hostile site."""
    site = origin.url("/site/")
    links = "".join(f'<a href="{link}">x</a> ' for link in [*LINKED, *MALFORMED])
    origin.robots("User-agent: *\nDisallow: /site/private\n")
    origin.page("/site/", f"<html><body><p>Where all the trouble begins.</p>{links}</body></html>")
    origin.page("/site/good", page("good"))
    origin.page("/site/wrong-charset", CAFE.encode("latin-1"))
    origin.page("/site/no-such-charset", CAFE, content_type="text/html; charset=klingon")
    origin.page("/site/empty", "")
    origin.page("/site/blank", "<html><body><script>var a</script></body></html>")
    origin.page("/site/app", "<script src=a.js></script><div id=root>Loading…</div>")
    origin.page("/site/binary", PNG)
    origin.page("/site/broken.pdf", b"%PDF-1.7\nbroken", content_type="application/pdf")
    origin.page("/site/eats-memory", f"<html><body><p>{'<b>x</b> ' * 400_000}</body></html>")
    for status in (404, 410, 403, 500):
        origin.status(f"/site/{status}", status)
    origin.fail_first("/site/500-once", 1, page("late"))
    origin.redirect("/site/loop", "/site/loop2")
    origin.redirect("/site/loop2", "/site/loop")
    origin.redirect("/site/nowhere", "gopher://hole/")
    origin.redirect("/site/leaves", "/elsewhere")
    origin.page("/elsewhere", page("elsewhere"))
    origin.redirect("/site/moved", f"{site}good")
    origin.page("/site/hangs-up", hang_up=True)
    origin.page("/site/no-http", raw=b"SSH-2.0-OpenSSH_9.9\r\n")
    origin.page("/site/truncated", page("cut"), declared_length=100_000)
    origin.page("/site/oversized", b"<p>" + b"x" * (6 * 1024 * 1024))
    origin.bomb("/site/bomb", "br", 20 * 1024 * 1024)


@pytest.fixture
async def env(atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AtlasEnv]:
    for name, value in LIMITS.items():
        monkeypatch.setenv(name, value)
    async with atlas_env.worker():
        yield atlas_env


async def record(env: AtlasEnv, origin: Origin, run_id: str) -> dict[str, tuple[Any, ...]]:
    """Outcome, class and code of each page of a run, with the status in the ledger."""
    rows = await env.fetch(
        """
        select p.url, p.stage, p.outcome, p.error_class, p.error_code, p.attempts, f.attempt,
               f.status, f.error_code as ledger_code
        from run_pages p left join lateral (
            select * from fetches f where f.run_id = p.run_id and f.page_id = p.page_id
            order by attempt desc limit 1) f on true
        where p.run_id = $1
        """,
        run_id,
    )
    assert {row["stage"] for row in rows} <= {"done"}
    assert all(row["attempt"] is not None for row in rows), "a page without a row in the ledger"
    return {
        row["url"].removeprefix(origin.base): (
            row["outcome"],
            row["error_class"],
            row["error_code"],
            row["status"],
        )
        for row in rows
    }


def assert_adds_up(result: SyncResult) -> None:
    counts = result.counts
    assert counts.seen == counts.done, counts
    assert len(result.failures) == min(counts.failed, 20)
    assert all(failure.code and failure.error_class for failure in result.failures)


async def test_every_trouble_of_a_site_has_a_name(env: AtlasEnv, origin: Origin) -> None:
    script(origin)
    await env.add_source("site", "site", origin.url("/site/"), prefix=origin.url("/site/"))
    result = await env.sync("site")
    found = await record(env, origin, result.run_id)
    assert found == EXPECTED
    assert result.outcome == "completed_with_failures"
    assert_adds_up(result)
    outcomes = [outcome for outcome, *_ in EXPECTED.values()]
    assert result.counts.seen == len(EXPECTED)
    for name in ("added", "failed", "skipped"):
        assert getattr(result.counts, name) == outcomes.count(name)
    texts = await env.fetch("select text from documents where text like '%Café am Hafen%'")
    assert len(texts) == 2
    assert not origin.requests("/site/private")


PARAGRAPHS = "<p>Some words of a paragraph here, all the same.</p>" * 95_000
HANGING = {
    "silent": (
        Reply(silent=True),
        "ATLAS_FETCH_TIMEOUT",
        ("failed", "transient", "total_timeout", None),
    ),
    "hangs-the-parser": (
        Reply(f"<html><body>{PARAGRAPHS}</body></html>"),
        "ATLAS_EXTRACT_TIMEOUT",
        ("failed", "invalid", "extractor_timeout", 200),
    ),
}


@pytest.mark.parametrize("name", HANGING)
async def test_a_page_that_hangs_ends_by_time_and_has_a_name(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The limit holds from when robots.txt is known: nothing but the page has so little time."""
    reply, limit, expected = HANGING[name]
    for variable, value in LIMITS.items():
        monkeypatch.setenv(variable, value)
    origin.page("/site/", page("before"))
    await atlas_env.add_source("site", "urls", origin.url("/site/"))
    async with atlas_env.worker():
        assert (await atlas_env.sync("site")).counts.added == 1
    monkeypatch.setenv(limit, "1")
    origin.reply("/site/", reply)
    async with atlas_env.worker():
        result = await atlas_env.sync("site")
    assert await record(atlas_env, origin, result.run_id) == {"/site/": expected}
    assert (result.outcome, result.counts.failed) == ("all_failed", 1)
    assert_adds_up(result)


@pytest.mark.slow
async def test_listings_that_cannot_be_read(env: AtlasEnv, origin: Origin) -> None:
    origin.page("/fine", page("fine"))
    entry = f"<item><link>{origin.url('/fine')}</link></item>"
    good = f"<rss version='2.0'><channel><title>t</title>{entry}"
    bodies: dict[str, Reply] = {
        "empty": Reply(""),
        "garbage": Reply(PNG, content_type="application/xml"),
        "html": Reply(page("no feed")),
        "cut": Reply(good + "<item><link>http", content_type="application/rss+xml"),
        "gone": Reply("no", 410),
        "broken": Reply("no", 500),
    }
    for name, reply in bodies.items():
        origin.reply(f"/{name}", reply)
        await env.add_source(f"feed-{name}", "feed", origin.url(f"/{name}"))
        await env.add_source(f"map-{name}", "sitemap", origin.url(f"/{name}"))
    cut_map = sitemap(origin, ["/fine"]).payload().removesuffix(b"</urlset>") + b"<url><loc>htt"
    origin.reply("/cut-map", Reply(cut_map, content_type="application/xml"))
    await env.add_source("map-cut-map", "sitemap", origin.url("/cut-map"))
    result = await env.sync(*[row["name"] for row in await env.fetch("select name from sources")])
    outcomes = {one.source: one.outcome for one in result.sources}
    runs = await env.fetch("select source_name, complete from runs")
    complete = {row["source_name"]: row["complete"] for row in runs}
    for name, outcome in outcomes.items():
        # Of a file that breaks off, what came before is taken; a feed may stand in for a sitemap.
        readable = name in ("feed-cut", "map-cut", "map-cut-map")
        assert outcome in (("completed", "completed_with_failures") if readable else
                           ("listing_failed",)), (name, outcome)  # fmt: skip
        assert readable or complete[name] is False
    assert complete["map-cut-map"] is False
    codes = await env.fetch(
        "select r.source_name, p.error_class, p.error_code, f.status from runs r "
        "join run_pages p using (run_id) join fetches f using (run_id, page_id) "
        "where p.outcome = 'failed' order by 1"
    )
    named = {row["source_name"]: (row["error_class"], row["error_code"]) for row in codes}
    assert named["feed-garbage"] == named["feed-html"] == ("invalid", "feed_malformed")
    assert named["map-garbage"] == named["map-html"] == ("invalid", "sitemap_malformed")
    assert named["feed-gone"] == named["map-gone"] == ("gone", "http_410")
    assert named["feed-broken"] == named["map-broken"] == ("transient", "http_500")
    assert (result.counts.seen, result.counts.done) == (len(codes) + 3, len(codes) + 3)


async def test_a_list_of_urls_that_are_none_or_must_not_be_dialled(
    env: AtlasEnv, origin: Origin
) -> None:
    origin.page("/fine", page("fine"))
    private = ["http://10.1.2.3/x", "http://169.254.169.254/latest/meta-data", "http://[::1]:1/"]
    bad = ["http://[::1", "http://a b/", "ftp://example.org/a", "no url", "http://\x00/"]
    await env.add_source("list", "urls", origin.url("/fine"), *private, *bad[:-1])
    result = await env.sync("list")
    assert result.outcome == "completed_with_failures"
    assert_adds_up(result)
    assert (result.counts.added, result.counts.failed) == (1, len(private) + len(bad) - 1)
    codes = {failure.url: (failure.error_class, failure.code) for failure in result.failures}
    assert {codes[url] for url in private} == {("blocked", "address_refused")}
    assert {codes[url] for url in bad[:-1]} == {("invalid", "url_malformed")}
    assert await env.value("select count(*) from fetches where run_id = $1", result.run_id) == 8


async def test_a_single_fetch_says_what_is_wrong(env: AtlasEnv, origin: Origin) -> None:
    origin.status("/gone", 410)
    for url, code in (
        (origin.url("/gone"), "http_410"),
        ("http://a b/", "url_malformed"),
        ("http://10.1.2.3/", "address_refused"),
    ):
        result = await env.client.execute_workflow(
            "fetch_url", {"url": url}, id=f"fetch {code}", task_queue="atlas"
        )
        assert (result["success"], result["error_code"]) == (False, code)
        assert result["error"]
