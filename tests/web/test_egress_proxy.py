"""Through a real HTTP proxy and a real SOCKS5 proxy: pages by http and https, who looks names up,
what is refused before the proxy is asked, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from atlas.domain.addresses.reach import Reach
from atlas.domain.errors import ErrorClass, verdict_on_host
from atlas.domain.fetch import FetchError, RobotsMode
from atlas.settings import Settings
from atlas.settings.groups import FetchSettings
from atlas.web import tls
from atlas.web.address_policy import AddressPolicy
from atlas.web.client import WebClient
from atlas.web.client_factory import egress_proxy, page_client
from atlas.web.own_ports import OwnPorts
from tests.origin import Origin
from tests.web.fetching import ANYWHERE, LOOPBACK, get, refused
from tests.web.parsed import parse_robots_here
from tests.web.proxies import PASSWORD, USER, ProxyServer, Scheme, a_proxy
from tests.web.reach import Net, a_net, spellings
from tests.web.test_tls import PEM

SCHEMES: list[Scheme] = ["http", "socks5"]
each_proxy = pytest.mark.parametrize("scheme", SCHEMES)

SITE = "docs.example.org"
"""A name that only the proxy knows."""


@pytest.fixture
async def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    """No name is known here, and every connection of this process is counted."""
    return a_net(monkeypatch)


def through(proxy: ProxyServer, policy: AddressPolicy = LOOPBACK, *login: str) -> WebClient:
    return WebClient(policy=policy, parse_robots=parse_robots_here, proxy=proxy.at(*login))


@asynccontextmanager
async def secure(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A site by https, whose certificate is for localhost and trusted; its port."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        status = b"404 Not Found" if b"/robots.txt" in heads[-1] else b"200 OK"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: 4\r\n\r\nsafe" % status)
        await writer.drain()
        writer.close()

    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    tls._context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]
    assert heads == [] or all(b"proxy" not in head.lower() for head in heads)


@each_proxy
async def test_a_page_is_fetched_by_a_name_that_only_the_proxy_knows(
    scheme: Scheme, net: Net
) -> None:
    async with Origin() as origin, a_proxy(scheme, names={SITE: "127.0.0.1"}) as proxy:
        port = origin.host.rpartition(":")[2]
        origin.page("/a%2Fb?x=1", "text")
        origin.redirect("/old", "/a%2Fb?x=1")
        async with through(proxy) as client:
            fetched, body = await get(client, f"http://{SITE}:{port}/old")
    assert (body, fetched.final_url) == (b"text", f"http://{SITE}:{port}/a%2Fb?x=1")
    assert [seen.target for seen in origin.log] == ["/robots.txt", "/old", "/a%2Fb?x=1"]
    assert {seen.headers["host"] for seen in origin.log} == {f"{SITE}:{port}"}
    assert all("proxy-authorization" not in seen.headers for seen in origin.log)
    assert net.asked == {}, "no name is looked up here"
    assert all(f"{SITE}:{port}" in asked for asked in proxy.asked)


@each_proxy
async def test_a_page_by_https_goes_through_a_tunnel_and_its_certificate_is_checked(
    scheme: Scheme, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with secure(monkeypatch) as port, a_proxy(scheme, login=True) as proxy:
        proxy.names = {"localhost": "127.0.0.1", SITE: "127.0.0.1"}
        async with through(proxy, LOOPBACK, USER, PASSWORD) as client:
            assert (await get(client, f"https://localhost:{port}/"))[1] == b"safe"
            wrong = await refused(client, f"https://{SITE}:{port}/", robots=RobotsMode.IGNORE)
    assert (wrong.code, wrong.error_class) == ("tls_certificate", ErrorClass.TRANSIENT)
    assert f"through the proxy {proxy.at()}" in wrong.message
    assert set(proxy.logins) == {USER}
    assert net.asked == {}
    assert all(b"atlas/" in head.lower() for head in proxy.heads), "it hears who asks"


@each_proxy
async def test_the_login_is_given_and_one_that_is_refused_is_not_the_pages_fault(
    scheme: Scheme, net: Net
) -> None:
    async with Origin() as origin, a_proxy(scheme, login=True) as proxy:
        origin.page("/a", "text")
        async with through(proxy, LOOPBACK, USER, PASSWORD) as client:
            assert (await get(client, origin.url("/a")))[1] == b"text"
        failures = []
        for login in ((), (USER, "wr0ng-w0rd")):
            async with through(proxy, LOOPBACK, *login) as client:
                failures += [
                    await refused(client, origin.url("/a"), robots=robots) for robots in RobotsMode
                ]
    by_name = [each for each in failures if each.code == "proxy_login"]
    assert len(by_name) == 2
    assert {each.code for each in failures} == {"proxy_login", "robots_unreachable"}
    for each in failures:
        assert each.error_class is ErrorClass.TRANSIENT
        assert str(proxy.at()) in each.message
        assert "wr0ng-w0rd" not in each.message + repr(proxy.at(USER, "wr0ng-w0rd"))
    assert "ATLAS_FETCH_PROXY_PASSWORD" in by_name[0].message
    assert len(origin.log) == 2


@each_proxy
async def test_a_dead_proxy_is_no_fault_of_the_page(scheme: Scheme, net: Net) -> None:
    async with Origin() as origin, a_proxy(scheme) as proxy:
        origin.page("/a", "text")
        async with through(proxy) as client:
            assert (await get(client, origin.url("/a")))[1] == b"text"
            await proxy.stop()
        async with through(proxy) as client:  # a kept connection would end as `connection_reset`
            failure = await refused(client, origin.url("/a"), robots=RobotsMode.IGNORE)
            first = await refused(client, "http://127.0.0.1:8077/")
    assert (failure.code, failure.error_class) == ("proxy_unreachable", ErrorClass.TRANSIENT)
    assert f"was not asked: the proxy {proxy.at()} could not be reached" in failure.message
    assert verdict_on_host(failure) == "down", "its pages wait, as they do for a host"
    assert first.code == "robots_unreachable"
    assert str(proxy.at()) in first.message
    assert len(origin.log) == 2


@each_proxy
async def test_what_the_proxy_refuses_or_cannot_reach_is_named(scheme: Scheme, net: Net) -> None:
    async with a_proxy(scheme, forbidden={"10.9.8.7"}) as proxy:
        policy = AddressPolicy(["127.0.0.0/8", "10.0.0.0/8"])
        async with through(proxy, policy) as client:
            failures = {
                url: await refused(client, url, robots=RobotsMode.IGNORE)
                for url in ("https://10.9.8.7/", "https://no-such.example/", "https://127.0.0.1:9/")
            }
            lasting = await refused(client, "https://10.9.8.7/")
    codes = [(each.code, each.error_class) for each in failures.values()]
    closed = "connect_failed" if scheme == "http" else "connection_refused"
    assert codes == [
        ("proxy_refused", ErrorClass.BLOCKED),
        ("connect_failed", ErrorClass.TRANSIENT),
        (closed, ErrorClass.TRANSIENT),
    ]
    assert all(str(proxy.at()) in each.message for each in failures.values())
    assert lasting.code == "proxy_refused", "robots.txt is not waited for"
    verdicts = [verdict_on_host(each) for each in failures.values()]
    assert verdicts == ["unknown", "down", "down"]


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b""])
async def test_what_is_no_socks_proxy_is_named(answer: bytes, net: Net) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(other, "127.0.0.1", 0) as server:
        proxy = ProxyServer("socks5", port=server.sockets[0].getsockname()[1])
        async with through(proxy) as client:
            failure = await refused(client, "http://docs.example/", robots=RobotsMode.IGNORE)
    assert failure.code == "proxy_unreachable"
    assert "does not speak SOCKS5" in failure.message


HERE = Reach((), allow=("any",), ports=range(1, 65536))


@each_proxy
@pytest.mark.parametrize("bound", [(), ("172.30.0.0/16",)], ids=["nothing-allowed", "allow-list"])
async def test_no_forbidden_address_is_asked_of_the_proxy(
    scheme: Scheme, bound: tuple[str, ...], net: Net
) -> None:
    """In any spelling of an address, by a page and by a redirect to it."""
    codes: set[str] = set()
    async with Origin("127.0.0.1") as origin, a_proxy(scheme, names={SITE: "127.0.0.1"}) as proxy:
        port = origin.host.rpartition(":")[2]
        async with through(proxy, AddressPolicy(bound)) as client:
            for number, host in enumerate(spellings()[::7]):
                url = f"http://{host.replace('{port}', '81')}/in"
                origin.redirect(f"/{number}", url.replace("\n", "").encode().decode("latin-1"))
                by_redirect = f"http://{SITE}:{port}/{number}"
                for each in (url, by_redirect):
                    failure = await refused(client, each, robots=RobotsMode.IGNORE, reach=HERE)
                    codes.add(failure.code)
    assert codes == {"address_refused", "invalid_url", "redirect_invalid"}
    assert {asked.removeprefix("GET ").partition("/r")[0] for asked in proxy.asked} <= {
        f"{SITE}:{port}",
        *(f"http://{SITE}:{port}/{number}" for number in range(1000)),
    }
    assert net.strayed(("127.0.0.1", proxy.port), ("127.0.0.1", int(port))) == set()


LOCAL = (
    *("localhost", "LOCALHOST.", "a.localhost", "printer", "nas.local", "wiki.lan", "x.home.arpa"),
    *("metadata.google.internal", "router.home", "db.corp", "localhost.localdomain"),
)


@each_proxy
async def test_a_local_name_needs_an_allowed_network_and_the_source(
    scheme: Scheme, net: Net
) -> None:
    async with Origin() as origin, a_proxy(scheme) as proxy:
        port = int(origin.host.rpartition(":")[2])
        proxy.names = {name.lower(): "127.0.0.1" for name in LOCAL}
        origin.page("/", "text")
        for policy in (AddressPolicy(), LOOPBACK):
            async with through(proxy, policy) as client:
                for name in LOCAL:
                    url = f"http://{name}:{port}/"
                    for reach in (None, Reach((), ports=[port], source="docs")):
                        if reach is None and policy is LOOPBACK:
                            continue  # a request for no source opens its own URL
                        options = {"robots": RobotsMode.IGNORE, "reach": reach}
                        assert (await refused(client, url, **options)).code == "address_refused"
                    led = {"robots": RobotsMode.IGNORE, "led_by": ("http://public.example/",)}
                    assert (await refused(client, url, **led)).code == "address_refused"
        assert proxy.asked == []
        async with through(proxy, LOOPBACK) as client:
            url = f"http://wiki.lan:{port}/"
            own = Reach((url,), source="docs")
            for led_by in ((), (url,)):
                assert (await get(client, url, reach=own, led_by=led_by))[1] == b"text"


@each_proxy
async def test_atlas_is_not_asked_of_the_proxy_nor_is_the_proxy_itself(
    scheme: Scheme, net: Net
) -> None:
    async with a_proxy(scheme, names={"postgres": "127.0.0.1"}) as proxy:
        own = OwnPorts([("postgres", 5432), ("127.0.0.1", proxy.port), ("cdn.example", 443)])
        net.names["cdn.example"] = lambda: "93.184.215.14"
        async with through(proxy, AddressPolicy(["127.0.0.0/8"], own)) as client:
            for where in ("postgres:5432", "POSTGRES.:5432", f"127.0.0.1:{proxy.port}"):
                failure = await refused(
                    client, f"http://{where}/", robots=RobotsMode.IGNORE, reach=ANYWHERE
                )
                assert "a part of Atlas itself" in failure.message
            assert proxy.asked == []
            # A bucket in the public internet shares its name with pages.
            shared = await refused(client, "https://cdn.example/", robots=RobotsMode.IGNORE)
    assert shared.code == "connect_failed"


@each_proxy
async def test_ports_and_https_are_judged_before_the_proxy_is_asked(
    scheme: Scheme, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_proxy(scheme) as proxy, through(proxy) as client:
        rule = Reach((), source="docs")
        failure = await refused(client, "http://docs.example:22/", reach=rule)
        assert failure.code == "port_refused"
        assert proxy.asked == []


async def test_the_settings_name_the_proxy_and_nothing_else_does(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Origin() as origin, a_proxy("http", login=True) as proxy:
        origin.page("/a", "text")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        for name, value in {
            "ATLAS_FETCH_PROXY": f"http://{USER}@127.0.0.1:{proxy.port}",
            "ATLAS_FETCH_PROXY_PASSWORD": PASSWORD,
        }.items():
            monkeypatch.setenv(name, value)
        settings = Settings.load()
        assert egress_proxy(settings) == proxy.at(USER, PASSWORD)
        async with page_client(settings, LOOPBACK, parse_robots_here) as client:
            assert (await get(client, origin.url("/a")))[1] == b"text"
        assert len(proxy.logins) == 2
    assert egress_proxy(Settings(fetch=FetchSettings())) is None


@each_proxy
async def test_a_failure_carries_what_the_ledger_needs(scheme: Scheme, net: Net) -> None:
    async with a_proxy(scheme) as proxy, through(proxy) as client:
        await proxy.stop()
        failure = await refused(client, f"http://{SITE}/", robots=RobotsMode.IGNORE)
    assert isinstance(failure, FetchError)
    assert (failure.url, failure.status) == (f"http://{SITE}/", None)
