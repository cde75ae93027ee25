"""What a source allows within the operator's bound, at dial time, over every way to a page."""

import socket

import pytest

from atlas.domain.addresses.reach import Reach, reach_of
from atlas.domain.errors import ErrorClass
from atlas.domain.fetch import RobotsMode
from atlas.domain.sources import SourceSpec
from atlas.web import tls
from atlas.web.address_policy import AddressPolicy
from atlas.web.client import WebClient
from atlas.web.credentials import Credentials
from tests.origin import Origin
from tests.web.fetching import LOOPBACK, get, refused, web
from tests.web.test_reach import https_redirect
from tests.web.test_tls import PEM

PORTS = range(1, 65536)


def port_of(origin: Origin) -> int:
    return int(origin.host.rpartition(":")[2])


# -- private hosts --


async def test_a_private_page_leads_to_no_neighbour_that_its_source_does_not_name() -> None:
    async with web() as (client, own), Origin("127.0.0.3") as neighbour:
        neighbour.page("/in", "secret")
        own.redirect("/a", neighbour.url("/in"))
        single = Reach((own.url("/a"),), ports=PORTS)
        source = Reach((own.url("/"),), ports=PORTS, source="docs")
        for reach in (single, source):
            for robots in RobotsMode:
                error = await refused(client, own.url("/a"), reach=reach, robots=robots)
                assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "address_refused")
                assert "ATLAS_FETCH_ALLOW_NETWORKS allows, but no" in error.message
        assert f"`atlas sources edit docs --allow {neighbour.host}`" in error.message
        assert neighbour.log == []


@pytest.mark.parametrize(
    "entry", ["127.0.0.3", "127.0.0.3:{port}", "127.0.0.2/31", "any", "neighbour.lan:{port}"]
)
async def test_a_source_opens_the_neighbours_that_it_names(
    entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **named: real(
            "127.0.0.3" if host == "neighbour.lan" else host, *rest, **named
        ),
    )
    async with web() as (client, own), Origin("127.0.0.3") as neighbour:
        neighbour.page("/in", "open")
        host = "neighbour.lan" if "lan" in entry else "127.0.0.3"
        own.redirect("/a", neighbour.url("/in").replace("127.0.0.3", host))
        entry = entry.format(port=port_of(neighbour))
        reach = Reach((own.url("/"),), ports=PORTS, source="docs", allow=(entry,))
        assert (await get(client, own.url("/a"), reach=reach))[1] == b"open"


async def test_no_allowance_goes_beyond_the_operators_bound() -> None:
    async with Origin() as origin, WebClient(policy=AddressPolicy()) as client:
        reach = Reach((origin.url("/"),), allow=("any", "127.0.0.0/8", origin.host), source="docs")
        error = await refused(client, origin.url("/"), reach=reach)
        assert error.code == "address_refused"
        for told in ("ATLAS_FETCH_ALLOW_NETWORKS", "workers", "restart", "`atlas` commands"):
            assert told in error.message
        assert origin.log == []


async def test_a_kept_connection_of_another_source_is_no_way_in() -> None:
    async with web() as (client, own), Origin("127.0.0.3") as neighbour:
        neighbour.page("/in", "secret")
        await get(client, neighbour.url("/in"))  # its connection and its robots.txt are kept
        own.redirect("/a", neighbour.url("/in"))
        reach = Reach((own.url("/"),), ports=PORTS, source="docs")
        assert (await refused(client, own.url("/a"), reach=reach)).code == "address_refused"
        assert len(neighbour.requests("/in")) == 1


def test_entries_outside_the_bound_are_known_beforehand() -> None:
    policy = AddressPolicy(["10.0.0.0/8", "fd00::/8"])
    inside = ["10.1.0.0/16", "10.0.0.5:81", "fd00:1::/32", "any", "wiki.lan", "8.8.8.8:9000"]
    outside = ["192.168.0.0/16", "0.0.0.0/0", "127.0.0.1", "[fe80::1]:81", "::/0", "8.0.0.0/8"]
    assert policy.outside([*inside, *outside]) == outside


# -- ports --


async def test_a_redirect_to_the_port_of_another_service_is_not_followed() -> None:
    async with web() as (client, own), Origin() as other:
        own.redirect("/a", other.url("/b"))
        other.page("/b", "mail")
        reach = Reach((own.url("/"),), source="docs")
        error = await refused(client, own.url("/a"), reach=reach)
        assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "port_refused")
        assert (error.final_url, error.status) == (other.url("/b"), 302)
        assert f"`atlas sources edit docs --allow {other.host}`" in error.message
        assert other.log == []  # not even its robots.txt
        for allowed in ({"ports": (port_of(other),)}, {"allow": (other.host,)}):
            reach = Reach((own.url("/"),), source="docs", **{"allow": (other.host,), **allowed})
            assert (await get(client, own.url("/a"), reach=reach))[1] == b"mail"


@pytest.mark.parametrize("port", [22, 25, 6667])
async def test_nobody_names_the_port_of_another_service_without_a_source(port: int) -> None:
    async with WebClient(policy=LOOPBACK) as client:
        error = await refused(client, f"http://127.0.0.1:{port}/", reach=None)
        assert error.code == "port_refused"
        assert f"`--port {port}`" in error.message


async def test_robots_txt_leads_to_no_port_of_another_service() -> None:
    async with web() as (client, own), Origin() as other:
        own.redirect("/robots.txt", other.url("/b"))
        own.page("/a", "text")
        error = await refused(client, own.url("/a"), reach=Reach((own.url("/"),), source="docs"))
        assert error.code == "robots_unreachable"  # not "allowed", as a plain 302 would count
        assert other.log == []


# -- https to http --


async def test_a_source_may_let_a_redirect_fall_to_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    tls._context.cache_clear()
    async with web() as (client, origin), https_redirect(origin.url("/a")) as url:
        origin.page("/a", "plain")
        rules = {"allow": ("any",), "ports": PORTS, "source": "docs"}
        error = await refused(client, url, reach=Reach((), **rules), robots=RobotsMode.IGNORE)
        assert error.code == "redirect_insecure"
        assert "`atlas sources edit docs --allow-http`" in error.message
        reach = Reach((), allow_http=True, **rules)
        assert (await get(client, url, reach=reach, robots=RobotsMode.IGNORE))[1] == b"plain"


# -- credentials --


async def test_credentials_go_only_where_the_request_may_take_them() -> None:
    async with Origin() as wiki, Origin() as other:
        secret = Credentials({wiki.base: {"authorization": "Bearer s3cret"}})
        for site in (wiki, other):
            site.page("/a", "text")
        other.redirect("/to", wiki.url("/a"))
        async with WebClient(policy=LOOPBACK, credentials=secret) as client:
            assert client.credential_origins == {wiki.base}
            for url in (wiki.url("/a"), other.url("/to")):
                await get(client, url, authorized=frozenset({other.base}))
                await get(client, url, authorized=frozenset({wiki.base}))
                await get(client, url)
        sent = ["authorization" in seen.headers for seen in wiki.requests("/a")]
        assert sent == [False, True, True] * 2
        assert not any("authorization" in seen.headers for seen in other.log)


def test_a_source_has_its_rules() -> None:
    spec = SourceSpec("docs", "urls", ("http://a.lan/",), ports=(9000,), allow_http=True)
    reach = reach_of(spec)
    assert reach.allow_http
    assert reach.opens_port("http://b.example:9000/")
    assert reach.owner == "rule of source 'docs'"
