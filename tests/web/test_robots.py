"""robots.txt, by the sections of RFC 9309."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from atlas.domain.errors import ErrorClass
from atlas.domain.fetch import FetchRequest, RobotsMode, RobotsRecord
from atlas.web.politeness import OpenSlots
from atlas.web.robots_answer import PARSE_LIMIT
from tests.origin import Origin, Reply
from tests.web.fetching import Body, RecordingSlots, get, refused, web
from tests.web.parsed import robots_of

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class SharedCache:
    """What the database keeps between workers."""

    def __init__(self) -> None:
        self.records: dict[str, RobotsRecord] = {}

    async def get(self, origin: str) -> RobotsRecord | None:
        return self.records.get(origin)

    async def put(self, origin: str, record: RobotsRecord) -> None:
        self.records[origin] = record


def _site(origin: Origin) -> str:
    origin.page("/a", "text")
    return origin.url("/a")


async def test_rules_are_obeyed_or_ignored_as_told() -> None:
    async with web() as (client, origin):
        url = _site(origin)
        origin.robots("User-agent: *\nDisallow: /a\nAllow: /a?ok")
        error = await refused(client, url)
        assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "robots_disallowed")
        assert (await get(client, url + "?ok"))[1] == b"text"
        assert (await get(client, url, robots=RobotsMode.IGNORE))[1] == b"text"
        assert len(origin.requests("/robots.txt")) == 1


async def test_ignored_at_one_host_they_are_obeyed_where_a_redirect_leads() -> None:
    async with web() as (client, origin), Origin() as stranger:
        origin.robots("User-agent: *\nDisallow: /")
        stranger.robots("User-agent: *\nDisallow: /")
        origin.redirect("/away", stranger.url("/private"))
        error = await refused(client, origin.url("/away"), robots_ignored_at=(origin.host,))
        assert error.code == "robots_disallowed"
        assert not origin.requests("/robots.txt")
        assert not stranger.requests("/private")


async def test_rules_for_atlas_by_name_win() -> None:
    async with web() as (client, origin):
        url = _site(origin)
        origin.robots("User-agent: *\nDisallow: /\n\nUser-agent: ATLAS\nDisallow: /b")
        assert (await get(client, url))[1] == b"text"


async def test_a_redirect_is_checked_at_its_target() -> None:
    async with Origin() as other, web() as (client, origin):
        other.robots("User-agent: *\nDisallow: /private")
        origin.redirect("/a", other.url("/private/b"))
        error = await refused(client, origin.url("/a"))
        assert (error.code, error.final_url) == ("robots_disallowed", other.url("/private/b"))
        assert other.requests("/private/b") == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_unavailable_means_all_is_allowed(status: int) -> None:
    async with web() as (client, origin):
        url = _site(origin)
        origin.robots("User-agent: *\nDisallow: /", status)
        assert (await get(client, url))[1] == b"text"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=503),
        Reply(status=429),
        Reply(hang_up=True),
        Reply("no gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
async def test_unreachable_means_nothing_is_allowed_for_now(reply: Reply) -> None:
    async with web() as (client, origin):
        url = _site(origin)
        origin.reply("/robots.txt", reply)
        for _ in range(3):
            error = await refused(client, url)
            assert (error.error_class, error.code) == (ErrorClass.TRANSIENT, "robots_unreachable")
        assert len(origin.requests("/robots.txt")) == 1  # no hammering
        assert origin.requests("/a") == []


async def test_an_unreachable_file_is_asked_for_again_after_a_while() -> None:
    clock = Clock()
    async with web(clock=clock) as (client, origin):
        url = _site(origin)
        origin.script("/robots.txt", Reply(status=500), Reply("User-agent: *\nAllow: /"))
        await refused(client, url)
        clock.now += timedelta(seconds=31)
        assert (await get(client, url))[1] == b"text"


async def test_five_redirects_are_followed_and_the_rules_are_the_first_origins() -> None:
    async with Origin() as other, web() as (client, origin):
        url = _site(origin)
        for step in range(4):
            origin.redirect(f"/r{step}", f"/r{step + 1}")
        origin.redirect("/robots.txt", "/r0")
        origin.redirect("/r4", other.url("/rules"))
        other.page("/rules", "User-agent: *\nDisallow: /a")
        assert (await get(client, url))[1] == b"text"  # six redirects: unavailable
        origin.redirect("/r3", other.url("/rules"))
    async with Origin() as other, web() as (client, origin):
        url = _site(origin)
        origin.redirect("/robots.txt", other.url("/rules"))
        other.page("/rules", "User-agent: *\nDisallow: /a")
        assert (await refused(client, url)).code == "robots_disallowed"


async def test_it_is_read_once_a_day() -> None:
    clock = Clock()
    async with web(clock=clock) as (client, origin):
        url = _site(origin)
        origin.robots("")
        await get(client, url)
        clock.now += timedelta(hours=23)
        await get(client, url)
        assert len(origin.requests("/robots.txt")) == 1
        clock.now += timedelta(hours=2)
        origin.robots("User-agent: *\nDisallow: /")
        assert (await refused(client, url)).code == "robots_disallowed"


async def test_an_old_record_holds_while_the_file_is_unreachable() -> None:
    clock, cache = Clock(), SharedCache()
    async with web(clock=clock, robots_cache=cache) as (client, origin):
        url = _site(origin)
        old = RobotsRecord(200, b"User-agent: *\nDisallow: /b", START - timedelta(days=3))
        cache.records[origin.base] = old
        origin.robots("", 503)
        assert (await get(client, url))[1] == b"text"
        assert (await refused(client, origin.url("/b"))).code == "robots_disallowed"
        assert cache.records[origin.base] == old


async def test_workers_share_a_record() -> None:
    clock, cache = Clock(), SharedCache()
    async with web(clock=clock, robots_cache=cache) as (client, origin):
        url = _site(origin)
        origin.robots("User-agent: *\nDisallow: /x")
        await get(client, url)
        record = cache.records[origin.base]
        assert record == RobotsRecord(200, b"User-agent: *\nDisallow: /x", START)
        async with web(clock=clock, robots_cache=cache) as (second, _):
            await get(second, url)
        assert len(origin.requests("/robots.txt")) == 1


async def test_one_fetch_at_a_time_for_many_pages() -> None:
    async with web() as (client, origin):
        url = _site(origin)
        gate = asyncio.Event()
        origin.reply("/robots.txt", Reply("User-agent: *\nAllow: /", gate=gate))
        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                request = FetchRequest(f"{url}?{number}")
                tasks.create_task(client.fetch(request, Body(), OpenSlots()))
            await origin.arrived("/robots.txt")
            gate.set()
        assert len(origin.requests("/robots.txt")) == 1
        assert len(origin.requests("/a")) == 20


async def test_who_waits_survives_the_cancellation_of_who_fetches() -> None:
    async with web() as (client, origin):
        url = _site(origin)
        origin.script("/robots.txt", Reply(silent=True), Reply("User-agent: *\nAllow: /"))
        slots = RecordingSlots()
        first = asyncio.create_task(client.fetch(FetchRequest(url), Body(), slots))
        await origin.arrived("/robots.txt")
        second = asyncio.create_task(client.fetch(FetchRequest(url), Body(), slots))
        first.cancel()
        assert (await second).status == 200
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_only_the_first_500_kib_count() -> None:
    async with web() as (client, origin):
        url = _site(origin)
        rules = b"User-agent: *\nDisallow: /a\n"
        origin.robots(b"#" * (PARSE_LIMIT - 1) + b"\n" + rules)
        assert (await get(client, url))[1] == b"text"
        origin.robots(rules)
        endless = b"HTTP/1.1 200 OK\r\n\r\n" + rules + b"#" * 4 * PARSE_LIMIT
        async with Origin() as other:
            other.reply("/robots.txt", Reply(raw=endless))
            assert (await refused(client, other.url("/a"))).code == "robots_disallowed"


async def test_delay_and_sitemaps_are_told() -> None:
    async with web() as (client, origin):
        url = _site(origin)
        text = (
            "User-agent: *\nCrawl-delay: 2.5\n"
            "Sitemap: /map.xml\nSitemap: https://cdn.example/m.xml\nSitemap: ftp://x/\n"
        )
        origin.robots(text)
        rules = robots_of(text, origin.url("/robots.txt"))
        assert rules.sitemaps == (origin.url("/map.xml"), "https://cdn.example/m.xml")
        assert rules.crawl_delay == 2.5
        assert (await get(client, url))[0].crawl_delay == 2.5


@pytest.mark.parametrize(
    ("stated", "delay"),
    [("nan", None), ("-1", None), ("inf", None), ("1e9", 3600.0), ("soon", None), ("0", 0.0)],
)
def test_absurd_delays(stated: str, delay: float | None) -> None:
    body = f"User-agent: *\nCrawl-delay: {stated}".encode()
    assert robots_of(body).crawl_delay == delay


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /b",
        b"<html>Not found</html>",
        b"User-agent: *\nDisallow: /b\r\rDisallow: /" + b"*a" * 5000 + b"$",
    ],
)
def test_hostile_and_broken_files_still_have_a_meaning(body: bytes) -> None:
    rules = robots_of(body)
    assert rules.allows("http://a.example/a" + "a" * 2000)
    assert rules.allows("http://a.example/b") is (b"Disallow: /b" not in body)


@pytest.mark.fault(5)
def test_many_agents_with_many_rules_cost_no_more_than_their_length() -> None:
    """12,000 agents times 2,000 rules, of 220 KB, took two minutes."""
    agents = "\n".join(f"user-agent: {number:x}" for number in range(12_000))
    rules = "\n".join(f"disallow: /{number:x}" for number in range(2_000))
    body = f"{agents}\n{rules}\nUser-agent: Atlas\nDisallow: /private\n".encode()
    found = robots_of(body)
    assert not found.allows("https://h.org/private")
    assert found.allows("https://h.org/1f")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("user-agent: other\ndisallow: /\nuser-agent: *\nallow: /", True),
        ("user-agent: *\ndisallow: /\nuser-agent: other\nallow: /", False),
        ("user-agent: other\nuser-agent: atlas\ndisallow: /", False),
        ("user-agent other\nuser agent: Atlas # us\ndisallow: /", False),
        ("useragent: atlas\ndisallow: /a\nuser-agent: other\ndisallow: /", True),
        ("user-agent: other\nuser-agent:\ndisallow: /", True),
    ],
)
def test_groups_of_others_begin_and_end_where_they_did(text: str, allowed: bool) -> None:
    found = robots_of(text)
    assert found.allows("https://h.org/b") is allowed
