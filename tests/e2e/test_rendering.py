"""Pages whose text scripts make: rendered by a browser, searched, and left alone without one."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from typing import Any

import pytest

from atlas.contracts.sync_pipeline import SyncResult
from starter import AtlasClient
from tests import browsers
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.starter.conftest import Atlas, atlas
from workflows import options

__all__ = ["atlas"]

SHELL = (
    "<html lang=en><head><title>Harbour</title></head><body><div id=root>Loading…</div>"
    "<script src=/app.js></script></body></html>"
)
APP = """fetch('/data').then(r => r.json()).then(found => {
  document.getElementById('root').innerHTML =
    '<main><h1>Harbour</h1><p>' + found.text + '</p><a href=/more>More</a></main>';
});"""
BYTES = len(SHELL.encode())
SAYS = "The lighthouse keeper counts %s boats that come home before the evening tide turns."


def script(origin: Origin, boats: str) -> None:
    origin.page("/app", SHELL)
    origin.page("/app.js", APP, content_type="text/javascript")
    text = SAYS % boats
    origin.page("/data", f'{{"text": "{text}"}}', content_type="application/json")


async def ended(env: AtlasEnv) -> list[tuple[Any, ...]]:
    rows = await env.fetch(
        "select rp.outcome, rp.error_code, rp.error from run_pages rp join runs using (run_id) "
        "order by started_at desc, rp.url limit 1"
    )
    return [tuple(row) for row in rows]


@pytest.mark.slow
@browsers.needs_chromium
async def test_a_page_that_scripts_fill_is_rendered_found_and_rendered_again(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in browsers.settings().items():
        monkeypatch.setenv(name, value)
    script(origin, "seven")
    await atlas_env.add_source("app", "urls", origin.url("/app"), render="when_needed")
    async with atlas_env.worker():
        first = await atlas_env.sync("app")
        assert first.counts.added == 1, (first, await ended(atlas_env))
        found = (await atlas_env.search("lighthouse keeper seven")).results
        assert [hit.url for hit in found] == [origin.url("/app")]

        # Its own host was asked for the page twice, once by Atlas and once by the browser, and the
        # ledger tells one from the other.
        assert len(origin.requests("/app")) == 2
        ledger = "select attempt, status, rendered, snapshot from fetches order by attempt"
        plain, rendered = await atlas_env.fetch(ledger)
        assert (plain["rendered"], rendered["rendered"], rendered["status"]) == (False, True, 200)
        document = await atlas_env.fetch("select snapshot, rendered from documents")
        assert [tuple(row) for row in document] == [(rendered["snapshot"], True)]

        # The server's page is as before, and what its scripts show is not.
        script(origin, "nine")
        second = await atlas_env.sync("app")
        assert second.counts.updated == 1, (second, await ended(atlas_env))
        assert (await atlas_env.search("keeper nine")).results
        third = await atlas_env.sync("app")
        assert third.counts.unchanged == 1
    assert not [each for each in origin.requests("/app") if "if-none-match" in each.headers]


async def test_without_a_browser_pages_fail_by_name_and_are_not_quarantined(
    atlas_env: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(options.RENDERING, "schedule_to_start_timeout", timedelta(seconds=1))
    script(origin, "seven")
    await atlas_env.add_source("app", "urls", origin.url("/app"), render="when_needed")
    async with atlas_env.worker():
        result: SyncResult = await atlas_env.sync("app")
        assert result.counts.failed == 1
        [(outcome, code, _)] = await ended(atlas_env)
        assert (outcome, code) == ("failed", "no_browser")
    assert await atlas_env.value("select lifecycle from page_state") == "discovered"
    assert await atlas_env.value("select count(*) from quarantine") == 0
    assert await atlas_env.value("select count(*) from fetches where rendered") == 0


@pytest.mark.slow
@browsers.needs_chromium
async def test_a_single_fetch_is_rendered_as_asked_and_then_processed(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in browsers.settings().items():
        monkeypatch.setenv(name, value)
    script(origin, "seven")
    origin.redirect("/moved", "/app")
    origin.page("/plain", f"<html><body><main><p>{SAYS % 'nine'}</p></main></body></html>")
    origin.page("/void", SHELL.replace("/app.js", "/void.js"))
    origin.page("/void.js", "document.title = 'Still nothing'", content_type="text/javascript")
    async with atlas_env.worker(), AtlasClient.connect() as client:
        shell = await client.fetch_url(origin.url("/app"))
        assert (shell.success, shell.rendered, shell.content_length) == (True, False, BYTES)
        found = await client.fetch_url(origin.url("/moved"), render="when_needed")
        assert (found.success, found.rendered, found.error_code) == (True, True, None), found
        assert (found.final_url, found.status_code, found.etag) == (origin.url("/app"), 200, None)
        assert len(origin.requests("/moved")) == 1, "the browser is sent where it led"

        plain = await client.fetch_url(origin.url("/plain"), render="when_needed")
        assert (plain.success, plain.rendered) == (True, False)
        shown = await atlas("fetch", origin.url("/plain"), "--render", "always", "-o", "json")
        assert (shown.code, shown.json["rendered"]) == (0, True), shown
        void = await client.fetch_url(origin.url("/void"), render="when_needed")
        assert (void.success, void.rendered, void.error_code) == (False, True, "rendered_empty")
        small = await client.fetch_url(origin.url("/app"), render="when_needed", max_bytes=200)
        assert (small.success, small.error_code) == (False, "render_too_large")

        ledger = "select status, rendered from fetches where url = $1 order by fetched_at"
        rows = await atlas_env.fetch(ledger, origin.url("/moved"))
        assert [tuple(row) for row in rows] == [(200, False), (200, True)]
        processed = await atlas("process", "--url", origin.url("/moved"), "--wait")
        assert (processed.code, "added" in processed.out) == (0, True), processed
        assert (await atlas_env.search("lighthouse keeper seven")).results
        assert await atlas_env.value("select rendered from documents")
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_without_a_browser_a_single_fetch_says_what_is_missing(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas
) -> None:
    script(origin, "seven")
    async with atlas_env.worker():
        ran = await atlas("fetch", origin.url("/app"), "--render", "when_needed", "-o", "json")
        assert (ran.code, ran.json["error_code"]) == (1, "no_browser"), ran
        assert "#root" in ran.json["error"] and "set ATLAS_BROWSER" in ran.json["error"]
        # The server's body is kept, and nobody was asked twice.
        assert (ran.json["status_code"], ran.json["content_length"]) == (200, BYTES)
        always = await atlas("fetch", origin.url("/app"), "--render", "always")
        assert (always.code, "no_browser" in always.out) == (1, True), always
        assert len(origin.requests("/app")) == 2
        processed = await atlas("process", "--url", origin.url("/app"), "--wait")
        assert "1 page needs a browser" in processed.err, processed
        explained = await atlas("explain", origin.url("/app"))
        assert f"`atlas fetch {origin.url('/app')} --render when_needed`" in explained.err


async def test_what_asks_nothing_of_the_web_names_what_needs_a_browser(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas
) -> None:
    """Batches, runs without fetching and pushes: no request, no document that says "Loading…"."""
    wiki = "https://wiki.example.org/"
    script(origin, "seven")
    await atlas_env.add_source("app", "urls", origin.url("/app"))
    async with atlas_env.worker(), AtlasClient.connect() as client:
        assert (await atlas_env.sync("app")).counts.failed == 1
        asked = len(origin.requests())
        batch = await atlas("process", "--failed-of", "app", "--wait", "-o", "json")
        assert batch.json["counts"]["failed"] == 1, batch
        [failure] = batch.json["failures"]
        assert failure["code"] == "needs_browser"
        assert batch.json["message"].startswith("1 page needs a browser"), batch
        outcomes = [each async for each in client.outcomes(batch.json["run_id"])]
        assert [each["code"] for each in outcomes] == ["needs_browser"]

        edited = await atlas("sources", "edit", "app", "--render", "when_needed")
        assert edited.code == 0, edited.err
        stored = await atlas_env.sync("app", stages=["process"])
        assert stored.counts.failed == 1
        [(outcome, code, _)] = await ended(atlas_env)
        assert (outcome, code) == ("failed", "needs_browser")
        assert len(origin.requests()) == asked

        await client.sources.add("wiki", wiki, kind="push")
        text = f"<html><body><main><p>{SAYS % 'nine'}</p></main></body></html>"
        assert (await (await client.put(f"{wiki}a", text)).result()).counts.added == 1
        put = await (await client.put(f"{wiki}a", SHELL)).result()
        [page] = put.pages
        assert (page.result, page.code, page.version) == ("failed", "needs_browser", 1)
        assert "put the HTML that a browser shows" in put.message
        assert (await atlas_env.search("keeper nine")).results, "the text before stays"
    assert await atlas_env.value("select count(*) from documents") == 1
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def test_what_is_always_rendered_is_never_read_as_its_server_sent_it(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(options.RENDERING, "schedule_to_start_timeout", timedelta(seconds=1))
    origin.page("/app", "<html><body><main><p>Turn back, this is the wrong text.</p></main>")
    await atlas_env.add_source("app", "urls", origin.url("/app"), render="always")
    async with atlas_env.worker():
        assert (await atlas_env.sync("app")).counts.failed == 1
        [(_, code, _)] = await ended(atlas_env)
        assert code == "no_browser"
        asked = len(origin.requests())
        batch = await atlas("process", "--failed-of", "app", "--wait", "-o", "json")
        assert [each["code"] for each in batch.json["failures"]] == ["needs_browser"], batch
        stored = await atlas_env.sync("app", stages=["process"])
        assert stored.counts.failed == 1, await ended(atlas_env)
        assert len(origin.requests()) == asked
    assert await atlas_env.value("select count(*) from documents") == 0
    assert await atlas_env.value("select count(*) from quarantine where since is not null") == 0


@pytest.mark.slow
@browsers.needs_chromium
async def test_a_worker_that_is_killed_leaves_no_browser_and_the_page_is_rendered_again(
    atlas_env: AtlasEnv, origin: Origin
) -> None:
    gate = asyncio.Event()
    script(origin, "seven")
    origin.page("/data", f'{{"text": "{SAYS % "seven"}"}}', gate=gate)
    atlas_env.variables |= browsers.settings(ATLAS_CONTACT="mailto:killed@example.org")
    await atlas_env.add_source("app", "urls", origin.url("/app"), render="always")
    mark = "killed@example.org"
    worker = atlas_env.spawn_worker()
    handle = await atlas_env.start("app")
    await origin.arrived("/data")
    begun = browsers.with_children(mark)
    assert begun
    worker.send_signal(signal.SIGKILL)
    async with asyncio.timeout(120):
        while any(map(browsers.runs, begun)):
            await asyncio.sleep(0.1)
    gate.set()
    atlas_env.spawn_worker()
    result = SyncResult.model_validate(await handle.result())
    assert result.counts.added == 1
    assert (await atlas_env.search("lighthouse keeper seven")).results
