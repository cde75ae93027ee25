"""A fetch as the server and the caller see it."""

import asyncio
from contextlib import suppress

import pytest

from atlas.domain.errors import ErrorClass
from atlas.domain.fetch import FetchError, FetchRequest, Redirect, RobotsMode, Validators
from atlas.web.client import WebClient, user_agent
from atlas.web.credentials import Credentials
from atlas.web.politeness import OpenSlots
from tests.origin import Origin, Reply
from tests.web.fetching import LOOPBACK, Body, RecordingSlots, get, refused, web


async def test_a_page_with_all_that_is_kept_of_it() -> None:
    async with web() as (client, origin):
        headers = {
            "Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT",
            "Cache-Control": "public, max-age=60",
            "X-Robots-Tag": "noindex",
        }
        origin.page("/a", "<p>é", content_type="Text/HTML; Charset=UTF-8", headers=headers)
        fetched, body = await get(client, origin.url("/a#part"))
        assert body == "<p>é".encode()
        assert (fetched.url, fetched.final_url) == (origin.url("/a#part"), origin.url("/a"))
        assert (fetched.status, fetched.modified) == (200, True)
        assert (fetched.content_type, fetched.charset) == ("text/html", "UTF-8")
        assert fetched.validators.last_modified == headers["Last-Modified"]
        assert fetched.validators.etag is not None
        assert (fetched.max_age, fetched.robots_tag) == (60.0, "noindex")
        assert fetched.elapsed > 0


async def test_the_headers_that_leave_are_these_and_no_others() -> None:
    async with web(contact="https://example.org/bot") as (client, origin):
        origin.page("/a", headers={"Set-Cookie": "id=1; Path=/"})
        await get(client, origin.url("/a"))
        await get(client, origin.url("/a"))
        for seen in origin.requests("/a"):
            assert sorted(seen.headers) == ["accept", "accept-encoding", "host", "user-agent"]
            assert seen.headers["user-agent"].endswith(" (+https://example.org/bot)")
            assert seen.headers["user-agent"].startswith("Atlas/")
            assert seen.headers["accept-encoding"] == "gzip, deflate, br, zstd"


def test_a_contact_that_no_header_can_hold_is_refused() -> None:
    for contact in ("a b", "x\r\nEvil: 1", "(me)", "ünïcode"):
        with pytest.raises(ValueError, match="plain ASCII"):
            user_agent(contact)
    assert "(" not in user_agent(None)


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with web() as (client, origin):
        origin.page("/a", "direct")
        assert (await get(client, origin.url("/a")))[1] == b"direct"


async def test_the_path_leaves_as_it_was_written() -> None:
    async with web() as (client, origin):
        target = "/%7Ea/%2F/x%2fy;p=1?q=%zz&r=a+b%20c&s='%22|"
        origin.route("/", lambda seen: Reply("ok"))
        fetched, _ = await get(client, origin.url(target), robots=RobotsMode.IGNORE)
        assert fetched.final_url == origin.url(origin.log[0].target)
        assert origin.log[0].target == target.replace("'", "%27")  # as WHATWG serialises


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_codings_are_undone(encoding: str) -> None:
    async with web() as (client, origin):
        origin.page("/a", "text " * 1000, encoding=encoding)
        fetched, body = await get(client, origin.url("/a"))
        assert body == b"text " * 1000
        assert 0 < fetched.wire_bytes < fetched.content_length


# -- conditions --


async def test_validators_make_a_304_and_keep_themselves() -> None:
    async with web() as (client, origin):
        origin.page("/a", "one")
        first, _ = await get(client, origin.url("/a"))
        again, body = await get(client, origin.url("/a"), validators=first.validators)
        assert (again.status, again.modified, body) == (304, False, b"")
        assert again.validators == first.validators
        origin.page("/a", "two")
        changed, body = await get(client, origin.url("/a"), validators=first.validators)
        assert (changed.modified, body) == (True, b"two")


async def test_last_modified_alone_is_enough() -> None:
    async with web() as (client, origin):
        moment = "Mon, 02 Nov 2026 10:00:00 GMT"
        origin.page("/a", "one", etag=False, headers={"Last-Modified": moment})
        fetched, _ = await get(
            client, origin.url("/a"), validators=Validators(last_modified=moment)
        )
        assert not fetched.modified


async def test_validators_go_only_to_the_url_they_came_from() -> None:
    async with web() as (client, origin):
        origin.redirect("/from", "/to")
        origin.page("/to", "text")
        first, _ = await get(client, origin.url("/from"))
        asked = {"validators": first.validators, "validators_url": first.final_url}
        again, _ = await get(client, origin.url("/from"), **asked)
        assert (again.status, again.modified) == (304, False)
        assert "if-none-match" not in origin.requests("/from")[1].headers
        # The page moves in front of the redirect with an equal tag by chance: no false 304.
        origin.page("/from", "other", headers={"ETag": first.validators.etag or ""})
        moved, body = await get(client, origin.url("/from"), **asked)
        assert (moved.modified, body) == (True, b"other")


async def test_a_304_that_nobody_asked_for_is_no_success() -> None:
    async with web() as (client, origin):
        origin.page("/a", status=304)
        error = await refused(client, origin.url("/a"))
        assert (error.error_class, error.code) == (ErrorClass.TRANSIENT, "unexpected_304")


# -- redirects --


async def test_redirects_are_followed_by_hand_and_only_the_last_body_is_kept() -> None:
    async with web() as (client, origin):
        origin.reply("/a", Reply("moved", 301, {"Location": "b/../b?x#y"}))
        origin.redirect("/b?x", origin.url("/c"), 308)
        origin.page("/c", "here")
        fetched, body = await get(client, origin.url("/a"))
        assert (fetched.final_url, body) == (origin.url("/c"), b"here")
        assert fetched.redirects == (
            Redirect(origin.url("/a"), 301),
            Redirect(origin.url("/b?x"), 308),
        )


async def test_redirects_that_lead_nowhere_are_named() -> None:
    async with web() as (client, origin):
        origin.redirect("/l1", "/l2")
        origin.redirect("/l2", "/l1#again")
        origin.redirect("/file", "file:///etc/passwd")
        origin.status("/none", 302)
        origin.route("/n", lambda seen: Reply(status=302, headers={"Location": seen.path + "n"}))
        codes = {
            path: (await refused(client, origin.url(path), max_redirects=4)).code
            for path in ("/l1", "/file", "/none", "/n")
        }
        assert codes == {
            "/l1": "redirect_loop",
            "/file": "redirect_invalid",
            "/none": "redirect_invalid",
            "/n": "too_many_redirects",
        }
        assert len([seen for seen in origin.log if seen.path.startswith("/nn")]) == 4


async def test_credentials_never_cross_to_another_origin() -> None:
    async with Origin() as first, Origin() as second:
        credentials = Credentials({first.base: {"authorization": "Bearer s3cret", "x-key": "k"}})
        first.redirect("/a", second.url("/b"))
        second.redirect("/b", first.url("/c"))
        first.page("/c", "in")
        async with WebClient(policy=LOOPBACK, credentials=credentials) as client:
            await get(client, first.url("/a"))
        assert all(seen.headers["authorization"] == "Bearer s3cret" for seen in first.log)
        assert len(second.log) == 2  # robots.txt and /b
        for seen in second.log:
            assert not {"authorization", "x-key"} & set(seen.headers)


# -- slots --


async def test_every_request_takes_a_slot_and_says_when_it_was_sent() -> None:
    async with web() as (client, origin):
        origin.redirect("/a", "/b")
        origin.page("/b", "text")
        slots = RecordingSlots()
        await client.fetch(FetchRequest(origin.url("/a")), Body(), slots)
        asked = [origin.url(path) for path in ("/robots.txt", "/a", "/b")]
        assert [ticket.url for ticket in slots.tickets] == asked
        assert {ticket.host for ticket in slots.tickets} == {origin.host}
        assert (slots.open, slots.most_open) == (0, 1)  # a hop ends before the next waits
        for ticket, seen in zip(slots.tickets, origin.log, strict=True):
            (sent,), (answered,) = ticket.sent_at, ticket.answered_at
            assert sent <= seen.at <= answered


async def test_a_slot_is_given_back_after_a_failure_and_a_cancellation() -> None:
    async with web() as (client, origin):
        origin.page("/silent", silent=True)
        origin.page("/gone", hang_up=True)
        slots = RecordingSlots()
        with pytest.raises(FetchError):
            await client.fetch(FetchRequest(origin.url("/gone")), Body(), slots)
        fetch = asyncio.create_task(
            client.fetch(FetchRequest(origin.url("/silent")), Body(), slots)
        )
        await origin.arrived("/silent")
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
        assert slots.open == 0


async def test_waiting_for_a_slot_does_not_count_against_the_page() -> None:
    class Late(RecordingSlots):
        def __init__(self, wait: float) -> None:
            super().__init__()
            self.wait = wait

        def slot(self, host: str, url: str):  # type: ignore[no-untyped-def]
            return _after(asyncio.sleep(self.wait), super().slot(host, url))

    async with web() as (client, origin):
        origin.page("/a", "text")
        # A busy machine may take longer than that for the page itself: then both take longer.
        for limit in (0.09, 0.9, 9.0):
            request = FetchRequest(origin.url("/a"), total_timeout=limit, header_timeout=limit)
            with suppress(FetchError):
                fetched = await client.fetch(request, Body(), Late(limit * 1.1))
                assert fetched.elapsed < limit
                return
        pytest.fail("no page came in time")


def _after(wait, slot):  # type: ignore[no-untyped-def]
    class Waited:
        async def __aenter__(self) -> object:
            await wait
            return await slot.__aenter__()

        async def __aexit__(self, *error: object) -> None:
            await slot.__aexit__(*error)

    return Waited()


async def test_an_error_of_the_sink_passes_through() -> None:
    class FullDisk:
        async def write(self, chunk: bytes) -> None:
            raise OSError(28, "No space left on device")

    async with web() as (client, origin):
        origin.page("/a", "text")
        with pytest.raises(OSError, match="No space left"):
            await client.fetch(FetchRequest(origin.url("/a")), FullDisk(), OpenSlots())
