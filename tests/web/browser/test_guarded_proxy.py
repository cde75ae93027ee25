"""The only way of a browser to the web: what it lets through, and what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from atlas.domain.addresses.reach import Reach
from atlas.web.address_policy import AddressPolicy
from atlas.web.browser import guarded_proxy
from atlas.web.browser.guarded_proxy import GuardedProxy, ProxiedPage
from tests.origin import Origin
from tests.web.proxies import PASSWORD, USER, Scheme, a_proxy

NOWHERE = "http://203.0.113.9/"


@asynccontextmanager
async def guarding(origin: Origin, **more: object) -> AsyncIterator[GuardedProxy]:
    options: dict[str, object] = {
        "policy": AddressPolicy(["127.0.0.0/8"]),
        "most_bytes": 1_000_000,
        "most_connections": 50,
    }
    page = ProxiedPage(
        origin.url("/"),
        Reach([origin.url("/")], source="docs"),
        led_publicly=bool(more.pop("led_publicly", False)),
    )
    async with GuardedProxy(page, **(options | more)) as guard:  # type: ignore[arg-type]
        yield guard


async def ask(
    guard: GuardedProxy, *lines: str, then: bytes = b"", until: bytes | None = None
) -> bytes:
    """What comes until the connection ends, or `until` came: the origin keeps connections open
    until it hears that nothing more will be asked, which the proxies of these tests take for the
    end of both directions."""
    reader, writer = await asyncio.open_connection("127.0.0.1", guard.port)
    try:
        writer.write("\r\n".join((*lines, "", "")).encode() + then)
        if until is None:
            writer.write_eof()
        answer = b""
        async with asyncio.timeout(60):
            with suppress(ConnectionResetError):  # it ends the connection before all was sent
                while part := await reader.read(65536):
                    answer += part
                    if until is not None and answer.endswith(until):
                        break
        return answer
    finally:
        writer.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not announced is refused after one look."""
    monkeypatch.setattr(guarded_proxy, "_LOOKS", 1)


async def test_a_request_reaches_its_host_as_its_host_expects_it(origin: Origin) -> None:
    origin.page("/a", "text")
    async with guarding(origin) as guard:
        guard.announce(origin.url("/a"))
        lines = (f"Host: {origin.host}", "Proxy-Connection: keep-alive", "Cookie: mine")
        answer = await ask(guard, f"GET {origin.url('/a?x=1')} HTTP/1.1", *lines)
        assert answer.lower().count(b"connection:") == 1
        assert b"connection: close" in answer.lower(), "or a second request would come here, unseen"
        [seen] = origin.requests()
        assert seen.target == "/a?x=1"
        assert "proxy-connection" not in seen.headers
        assert (seen.headers["connection"], seen.headers["cookie"]) == ("close", "mine")
        assert guard.transferred > len(answer)


async def test_a_tunnel_carries_what_both_sides_say(origin: Origin) -> None:
    origin.page("/a", "inside")
    async with guarding(origin) as guard:
        guard.announce(origin.url("/").replace("http://", "ws://"))
        inner = f"GET /a HTTP/1.1\r\nHost: {origin.host}\r\nConnection: close\r\n\r\n".encode()
        answer = await ask(guard, f"CONNECT {origin.host} HTTP/1.1", then=inner)
    assert answer.startswith(b"HTTP/1.1 200 Connected\r\n\r\nHTTP/1.1 200")
    assert answer.endswith(b"inside")


async def test_what_the_page_did_not_ask_for_gets_no_connection(
    origin: Origin, impatient: None
) -> None:
    async with guarding(origin) as guard:
        assert await ask(guard, f"CONNECT {origin.host} HTTP/1.1") == b""
        assert await ask(guard, f"GET {origin.url('/a')} HTTP/1.1") == b""
        assert guard.refused == []
    assert origin.requests() == []


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("http://169.254.169.254/latest/", "link-local or cloud metadata"),
        ("http://10.0.0.1/", "is private"),
        ("http://[::ffff:10.0.0.1]/", "is private"),
        ("http://127.0.0.1:22/", "port 22 is not open"),
        ("http://127.0.0.2:8080/", "no rule of source 'docs' allows it"),
    ],
)
async def test_an_address_that_is_not_public_is_refused_as_it_is_dialled(
    origin: Origin, target: str, why: str
) -> None:
    async with guarding(origin) as guard:
        guard.announce(target)
        place = target.split("/")[2]
        tunnel = place if place[-1] != "]" and place.count(":") == 1 else f"{place}:80"
        for line in (f"GET {target} HTTP/1.1", f"CONNECT {tunnel} HTTP/1.1"):
            answer = await ask(guard, line)
            assert answer.startswith(b"HTTP/1.1 403 "), line
            assert why in guard.refused[-1]


async def test_a_name_is_judged_by_the_address_that_is_dialled_each_time(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a page leads to a public address first, and then to this machine."""
    port = int(origin.host.rpartition(":")[2])
    found = iter(["203.0.113.9", "127.0.0.1"])

    async def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (next(found), port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with guarding(origin, policy=AddressPolicy()) as guard:
        url = f"http://rebinding.example.org:{port}/"
        guard.announce(url)
        for _ in range(2):
            assert (await ask(guard, f"GET {url} HTTP/1.1")).startswith(b"HTTP/1.1 403 ")
        assert "documentation" in guard.refused[0]
        assert "loopback" in guard.refused[1]
    assert origin.requests() == []


async def test_a_page_that_was_led_to_publicly_opens_no_private_address(origin: Origin) -> None:
    origin.page("/a", "text")
    async with guarding(origin, led_publicly=True) as guard:
        guard.announce(origin.url("/a"))
        answer = await ask(guard, f"GET {origin.url('/a')} HTTP/1.1", f"Host: {origin.host}")
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert "a public page led there" in guard.refused[0]


async def test_after_something_public_only_the_own_host_of_the_page_is_private(
    origin: Origin,
) -> None:
    origin.page("/a", "text")
    async with Origin() as other, guarding(origin) as guard:
        guard.page = ProxiedPage(
            origin.url("/"), Reach([origin.url("/"), other.url("/")], source="docs")
        )
        other.page("/b", "text")
        for url in (origin.url("/a"), other.url("/b")):
            guard.announce(url)
        line = f"GET {other.url('/b')} HTTP/1.1"
        assert (await ask(guard, line, f"Host: {other.host}")).endswith(b"text")
        guard._public = True
        assert (await ask(guard, line, f"Host: {other.host}")).startswith(b"HTTP/1.1 403 ")
        line = f"GET {origin.url('/a')} HTTP/1.1"
        assert (await ask(guard, line, f"Host: {origin.host}")).endswith(b"text")


async def test_more_bytes_or_connections_than_allowed_end_everything(origin: Origin) -> None:
    origin.page("/big", "x" * 500_000)
    line = f"GET {origin.url('/big')} HTTP/1.1"
    async with guarding(origin, most_bytes=200_000) as guard:
        guard.announce(origin.url("/"))
        assert len(await ask(guard, line, f"Host: {origin.host}")) < 300_000
        assert guard.exceeded.is_set()
        assert await ask(guard, line) == b""
    async with guarding(origin, most_connections=1) as guard:
        assert guard.exceeded.is_set() is False
        guard.announce(origin.url("/"))
        assert await ask(guard, line, f"Host: {origin.host}")
        assert await ask(guard, line, f"Host: {origin.host}") == b""
        assert guard.exceeded.is_set()


@pytest.mark.parametrize(
    "head", ["GET / HTTP/1.1", "GET ftp://a.example/ HTTP/1.1", "CONNECT :x HTTP/1.1", "nonsense"]
)
async def test_what_is_no_request_of_a_proxy_is_refused(origin: Origin, head: str) -> None:
    async with guarding(origin) as guard:
        answer = await ask(guard, head)
        assert not answer or answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_it_goes_through_the_operators_proxy(origin: Origin, scheme: Scheme) -> None:
    site = "docs.example.org"
    port = origin.host.rpartition(":")[2]
    origin.page("/a", "text")
    async with a_proxy(scheme, names={site: "127.0.0.1"}, login=True) as proxy:
        egress = proxy.at(USER, PASSWORD)
        async with guarding(origin, egress=egress) as guard:
            url = f"http://{site}:{port}/a"
            guard.page = ProxiedPage(url, Reach([url], source="docs"))
            guard.announce(url)
            guard.announce("http://10.0.0.1/")
            lines = (f"GET {url} HTTP/1.1", f"Host: {site}:{port}")
            answer = await ask(guard, *lines, until=b"text")
            assert answer.endswith(b"text")
            inner = f"GET /a HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n".encode()
            line = f"CONNECT {site}:{port} HTTP/1.1"
            answer = await ask(guard, line, then=inner, until=b"text")
            assert answer.endswith(b"text")
            asked = list(proxy.asked)
            answer = await ask(guard, "GET http://10.0.0.1/ HTTP/1.1")
            assert answer.startswith(b"HTTP/1.1 403 ")
            assert proxy.asked == asked, "what the URL alone shows is refused before"
    assert len(asked) == 2
