"""A host that is down is tried by one request at a time; a run waits, and still ends."""

import pytest

from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants, assert_workflows_healthy
from tests.origin import Origin, Reply, Seen

PAGES = 300
THRESHOLD, PAUSE, PATIENCE = 3, 0.4, 3.0


@pytest.fixture
def impatient(atlas_env: AtlasEnv, monkeypatch: pytest.MonkeyPatch) -> AtlasEnv:
    """An Atlas whose breaker opens soon and whose runs wait some seconds."""
    for name, value in {
        "ATLAS_HOST_FAILURES": THRESHOLD,
        "ATLAS_HOST_PAUSE": PAUSE,
        "ATLAS_FETCH_PATIENCE": PATIENCE,
    }.items():
        atlas_env.variables[name] = str(value)
        monkeypatch.setenv(name, str(value))
    return atlas_env


def page(seen: Seen) -> Reply:
    return Reply(f"<html><body><main><h1>{seen.path}</h1><p>All about {seen.path}.</main></html>")


def drop(seen: Seen) -> Reply:
    return Reply(hang_up=True)


def paths() -> list[str]:
    return [f"/page/{number}" for number in range(PAGES)]


async def test_pages_of_a_host_that_stays_down_fail_by_name_without_a_request_each(
    impatient: AtlasEnv, origin: Origin
) -> None:
    origin.route("/page/", drop)
    async with Origin() as healthy:
        healthy.route("/page/", page)
        urls = [*map(origin.url, paths()), *map(healthy.url, paths()[:20])]
        await impatient.add_source("docs", "urls", *urls, parallel=2)
        async with impatient.worker():
            result = await impatient.sync("docs")
    assert (result.counts.added, result.counts.failed) == (20, PAGES), result
    # What was under way when the breaker opened, and a few probes, each after a longer pause.
    asked = origin.requests()
    assert 1 + THRESHOLD <= len(asked) <= 1 + THRESHOLD + 2 + 6, [seen.path for seen in asked]
    rows = await impatient.fetch(
        "select error_class, error_code, attempts, count(*) as pages from run_pages "
        "where outcome = 'failed' group by 1, 2, 3"
    )
    by_name = {row["error_code"]: row["pages"] for row in rows if not row["attempts"]}
    assert set(by_name) == {"host_down"}
    assert by_name["host_down"] >= PAGES - len(asked)
    assert {row["error_class"] for row in rows} == {"transient"}
    attempts = await impatient.value(
        "select count(*) from fetches where url like $1", origin.base + "%"
    )
    assert attempts <= len(asked)
    await assert_invariants(impatient.pool, impatient.blobs)
    await assert_workflows_healthy(impatient.client)


@pytest.mark.slow
async def test_a_host_that_comes_back_loses_no_page(impatient: AtlasEnv, origin: Origin) -> None:
    dropped = THRESHOLD + 2  # the second probe is the last one

    def back_after_two_probes(seen: Seen) -> Reply:
        return drop(seen) if len(origin.log) <= 1 + dropped else page(seen)

    origin.route("/page/", back_after_two_probes)
    await impatient.add_source("docs", "urls", *map(origin.url, paths()), parallel=1)
    async with impatient.worker():
        result = await impatient.sync("docs")
    assert (result.outcome, result.counts.added) == ("completed", PAGES), result
    assert len(origin.requests()) == 1 + dropped + PAGES
    state = await impatient.fetch("select failures, open_until, probe_until from hosts")
    assert [tuple(row) for row in state] == [(0, None, None)]


async def test_a_host_without_robots_txt_is_asked_for_nothing_else(
    impatient: AtlasEnv, origin: Origin
) -> None:
    origin.reply("/robots.txt", Reply(hang_up=True))
    origin.route("/page/", page)
    await impatient.add_source("docs", "urls", *map(origin.url, paths()), parallel=2)
    async with impatient.worker():
        result = await impatient.sync("docs")
    assert result.counts.failed == PAGES
    assert {seen.path for seen in origin.requests()} == {"/robots.txt"}
    assert len(origin.requests()) <= 8
    codes = await impatient.fetch("select distinct error_code, attempts from run_pages")
    assert [tuple(row) for row in codes] == [("host_down", 0)]


async def test_retry_after_closes_the_host_for_everyone(
    impatient: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_FETCH_PATIENCE", "100")  # it is not what ends the wait
    told: list[Seen] = []

    def busy_once(seen: Seen) -> Reply:
        if told:
            return page(seen)
        told.append(seen)
        return Reply(status=503, headers={"Retry-After": "2"})

    origin.route("/page/", busy_once)
    await impatient.add_source("docs", "urls", *map(origin.url, paths()[:5]), parallel=1)
    async with impatient.worker():
        result = await impatient.sync("docs")
    assert (result.outcome, result.counts.added) == ("completed", 5)
    later = [seen.at for seen in origin.requests() if seen.at > told[0].at]
    assert min(later) - told[0].at >= 1.9
    assert len(origin.requests()) == 1 + 1 + 5


async def test_a_longer_retry_after_than_the_patience_fails_the_rest_unasked(
    impatient: AtlasEnv, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The host is closed for one and a half times the patience: longer than the run takes anywhere.
    for name in ("ATLAS_HOST_PAUSE", "ATLAS_FETCH_PATIENCE"):
        monkeypatch.setenv(name, "120")
    origin.route("/page/", lambda seen: Reply(status=429, headers={"Retry-After": "3600"}))
    await impatient.add_source("docs", "urls", *map(origin.url, paths()), parallel=1)
    async with impatient.worker():
        result = await impatient.sync("docs")
    assert result.counts.failed == PAGES
    assert len(origin.requests()) == 2
    codes = "select error_code, error_class, count(*) from run_pages group by 1, 2 order by 3"
    assert [tuple(row) for row in await impatient.fetch(codes)] == [
        ("http_429", "throttled", 1),
        ("host_throttled", "throttled", PAGES - 1),
    ]
    # The next check honours what the host asked for.
    sooner = "select count(*) from page_state where next_due < now() + interval '55 minutes'"
    assert await impatient.value(sooner) == 0


@pytest.mark.slow
async def test_pages_that_lead_to_a_closed_host_are_asked_no_more_than_others_that_fail(
    impatient: AtlasEnv, origin: Origin
) -> None:
    async with Origin() as down:
        down.route("/", drop)
        for path in paths()[:20]:
            origin.redirect(path, down.url(path))
        await impatient.add_source("docs", "urls", *map(origin.url, paths()[:20]), parallel=1)
        async with impatient.worker():
            result = await impatient.sync("docs")
        assert result.counts.failed == 20, result
        asked = [len(origin.requests(path)) for path in paths()[:20]]
        assert 1 <= min(asked) <= max(asked) <= 3
        assert len(down.requests()) <= 10
    rows = await impatient.fetch("select url, attempts from run_pages")
    attempts = {row["url"]: row["attempts"] for row in rows}
    assert attempts == {origin.url(path): len(origin.requests(path)) for path in paths()[:20]}
