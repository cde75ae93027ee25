"""Each way a server can fail ends in a named outcome, within its limits."""

import gzip

import pytest

from atlas.domain.errors import ErrorClass
from atlas.domain.fetch import FetchRequest, RobotsMode
from atlas.web.politeness import OpenSlots
from tests.origin import Reply, Seen
from tests.web.fetching import Body, refused, web

MIB = 1024 * 1024

STATUSES = [
    (400, {}, "invalid"),
    (401, {}, "blocked"),
    (403, {}, "blocked"),
    (404, {}, "gone"),
    (408, {}, "transient"),
    (410, {}, "gone"),
    (418, {}, "invalid"),
    (429, {}, "throttled"),
    (451, {}, "blocked"),
    (500, {}, "transient"),
    (503, {}, "transient"),
    (503, {"Retry-After": "7"}, "throttled"),
    (206, {}, "invalid"),
    (300, {}, "invalid"),
]


@pytest.mark.parametrize(("status", "headers", "error_class"), STATUSES)
async def test_statuses(status: int, headers: dict[str, str], error_class: str) -> None:
    async with web() as (client, origin):
        origin.page("/a", "<p>sorry", status=status, headers=headers)
        error = await refused(client, origin.url("/a"))
        assert (error.error_class, error.code) == (error_class, f"http_{status}")
        assert (error.status, error.url, error.final_url) == (status, *[origin.url("/a")] * 2)
        assert error.elapsed > 0
        assert error.retry_after == (7.0 if headers else None)


BROKEN = [
    (Reply(hang_up=True), ErrorClass.TRANSIENT, "connection_closed"),
    (Reply("abc", declared_length=10), ErrorClass.TRANSIENT, "truncated_body"),
    (
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        ErrorClass.TRANSIENT,
        "truncated_body",
    ),
    (
        Reply(gzip.compress(b"text" * 99)[:-9], headers={"Content-Encoding": "gzip"}),
        ErrorClass.TRANSIENT,
        "truncated_body",
    ),
    (
        Reply("no gzip", headers={"Content-Encoding": "gzip"}),
        ErrorClass.INVALID,
        "undecodable_body",
    ),
    (
        Reply("?", headers={"Content-Encoding": "rot13"}),
        ErrorClass.INVALID,
        "undecodable_body",
    ),
    (Reply(raw=b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), ErrorClass.INVALID, "invalid_http"),
    (
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        ErrorClass.INVALID,
        "invalid_http",
    ),
    (Reply(headers={"X-Big": "x" * 40_000}), ErrorClass.QUOTA, "header_too_large"),
    (
        Reply(headers={f"X-{number}": "x" for number in range(200)}),
        ErrorClass.QUOTA,
        "header_too_large",
    ),
]


@pytest.mark.parametrize(("reply", "error_class", "code"), BROKEN)
async def test_broken_answers(reply: Reply, error_class: ErrorClass, code: str) -> None:
    async with web() as (client, origin):
        origin.reply("/a", reply)
        error = await refused(client, origin.url("/a"))
        assert (error.error_class, error.code) == (error_class, code)
        assert len(origin.requests("/a")) == 1  # nobody below asks again on its own
        assert error.message.isprintable()
        assert len(error.message) < 400


async def test_a_server_that_never_answers() -> None:
    async with web() as (client, origin):
        origin.page("/a", silent=True)
        error = await refused(client, origin.url("/a"), header_timeout=0.1)
        assert (error.error_class, error.code) == (ErrorClass.TRANSIENT, "header_timeout")
        assert error.status is None


async def test_headers_that_drip_for_ever() -> None:
    async with web() as (client, origin):
        origin.page("/a", raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, drip=0.01)
        error = await refused(client, origin.url("/a"), header_timeout=0.15)
        assert error.code == "header_timeout"


async def test_a_body_that_drips_for_ever() -> None:
    async with web() as (client, origin):
        origin.page("/a", "x" * 10_000, drip=0.01)
        for limit in (0.2, 2.0, 20.0):  # more where a busy machine sends no byte in time
            error = await refused(client, origin.url("/a"), total_timeout=limit)
            if error.wire_bytes:
                break
        assert (error.error_class, error.code) == (ErrorClass.TRANSIENT, "total_timeout")
        assert (error.status, error.wire_bytes > 0) == (200, True)


async def test_a_body_that_falls_silent() -> None:
    async with web() as (client, origin):
        origin.page("/a", "x" * 100, drip=60)
        error = await refused(client, origin.url("/a"), idle_timeout=0.1)
        assert (error.error_class, error.code) == (ErrorClass.TRANSIENT, "read_timeout")


async def test_redirects_share_one_limit_of_time() -> None:
    async with web() as (client, origin):

        def onward(seen: Seen) -> Reply:
            headers = {"Location": seen.path + "n"}
            return Reply(status=302, headers=headers, header_delay=0.3 * limit)

        origin.route("/n", onward)
        for limit in (0.2, 2.0, 20.0):  # more where a busy machine sends no redirect in time
            error = await refused(client, origin.url("/n"), total_timeout=limit, max_redirects=100)
            assert error.code == "total_timeout"
            if error.redirects:
                break
        assert 1 <= len(error.redirects) <= 4


async def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    async with web() as (client, origin):
        origin.page("/a", "x" * 1000)
        error = await refused(client, origin.url("/a"), max_bytes=999)
        assert (error.error_class, error.code) == (ErrorClass.QUOTA, "body_too_large")
        assert error.wire_bytes == 0


async def test_an_undeclared_length_over_the_limit_is_refused() -> None:
    async with web() as (client, origin):
        origin.page("/a", "x" * 100_000, chunked=True)
        error = await refused(client, origin.url("/a"), max_bytes=5000)
        assert error.code == "body_too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_bomb_is_cut_off_in_small_pieces(encoding: str) -> None:
    async with web() as (client, origin):
        origin.bomb("/bomb", encoding, 64 * MIB)
        body = Body()
        request = FetchRequest(origin.url("/bomb"), max_bytes=4 * MIB)
        with pytest.raises(Exception, match="larger than 4194304 bytes"):
            await client.fetch(request, body, OpenSlots())
        assert len(body.content) <= 4 * MIB
        assert body.largest <= 2 * MIB + 64 * 1024


NOWHERE = [
    ("http://nowhere.invalid/", ErrorClass.TRANSIENT, "dns_failure"),
    ("http://127.0.0.1:1/", ErrorClass.TRANSIENT, "connection_refused"),
    ("http://a..example/", ErrorClass.INVALID, "invalid_url"),
    ("http://exa mple/", ErrorClass.INVALID, "invalid_url"),
    ("mailto:me@example.org", ErrorClass.INVALID, "invalid_url"),
]


@pytest.mark.parametrize(("url", "error_class", "code"), NOWHERE)
async def test_nobody_there(url: str, error_class: ErrorClass, code: str) -> None:
    async with web() as (client, _):
        error = await refused(client, url, robots=RobotsMode.IGNORE)
        assert (error.error_class, error.code, error.status) == (error_class, code, None)


async def test_a_page_that_fails_first_succeeds_later_and_is_never_retried_here() -> None:
    async with web() as (client, origin):
        origin.fail_first("/a", 1, "up")
        assert (await refused(client, origin.url("/a"))).code == "http_500"
        assert len(origin.requests("/a")) == 1
        fetched = await client.fetch(FetchRequest(origin.url("/a")), Body(), OpenSlots())
        assert fetched.status == 200
