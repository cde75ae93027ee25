"""What an allowed network is open to: people and its own pages, not public ones; and Atlas's own
ports to nobody."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atlas.domain.errors import ErrorClass
from atlas.domain.fetch import RobotsMode
from atlas.domain.sources import Leading, SourceSpec
from atlas.locations import address_policy
from atlas.settings import Settings
from atlas.web import tls
from atlas.web.address_policy import AddressPolicy, AddressRefused
from atlas.web.client import WebClient
from atlas.web.listing_parser import Listed
from atlas.web.listings import read_listing
from atlas.web.own_ports import CODEC_PORT, OwnPorts, endpoint_of, is_this_machine
from atlas.web.politeness import OpenSlots
from tests.origin import Origin
from tests.web.fetching import LOOPBACK, get, refused, web
from tests.web.parsed import Trusting, parse_here
from tests.web.reach import PUBLIC, as_public
from tests.web.test_tls import PEM

pytestmark = pytest.mark.fault(14)


async def nothing_listed(part: Sequence[Listed]) -> None:
    raise AssertionError(part)


@asynccontextmanager
async def two_sites(
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[WebClient, Origin, Origin]]:
    """A client that may dial 127.0.0.1, a public site, and one there."""
    as_public(monkeypatch)
    async with (
        Origin(PUBLIC) as public,
        Origin() as private,
        WebClient(policy=AddressPolicy(["127.0.0.1/32"])) as client,
    ):
        private.page("/in", "secret")
        yield client, public, private


# -- from a public address to an allowed private one --


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
async def test_a_redirect_from_a_public_page_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async with two_sites(monkeypatch) as (client, public, private):
        public.redirect("/a", private.url("/in").replace("127.0.0.1", name))
        error = await refused(client, public.url("/a"))
        assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "address_refused")
        assert "and a public page led there" in error.message
        assert private.log == []  # not even its robots.txt


async def test_hops_in_between_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two_sites(monkeypatch) as (client, public, private):
        private.redirect("/out", public.url("/back"))
        public.redirect("/back", private.url("/in"))
        error = await refused(client, private.url("/out"))
        assert (error.code, error.final_url) == ("address_refused", private.url("/in"))
        assert private.requests("/in") == []


async def test_people_and_private_pages_may_lead_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with two_sites(monkeypatch) as (client, public, private), Origin() as neighbour:
        assert (await get(client, private.url("/in")))[1] == b"secret"
        neighbour.redirect("/a", private.url("/in"))
        assert (await get(client, neighbour.url("/a")))[1] == b"secret"
        assert (await get(client, private.url("/in"), led_by=(neighbour.url("/"),)))[1] == b"secret"
        public.page("/b", "open")
        private.redirect("/out", public.url("/b"))
        assert (await get(client, private.url("/out")))[1] == b"open"


async def test_a_kept_connection_of_another_page_is_no_way_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_sites(monkeypatch) as (client, public, private):
        public.redirect("/a", private.url("/in"))
        await get(client, private.url("/in"))  # its connection and its robots.txt are kept
        error = await refused(client, public.url("/a"))
        assert (error.code, len(private.requests("/in"))) == ("address_refused", 1)
        assert (await get(client, private.url("/in")))[1] == b"secret"


async def test_the_robots_txt_of_a_public_site_leads_nowhere_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_sites(monkeypatch) as (client, public, private):
        public.redirect("/robots.txt", private.url("/in"))
        error = await refused(client, public.url("/a"))
        assert error.code == "robots_unreachable"
        assert private.log == []


@pytest.mark.parametrize("known", [True, False])
async def test_what_a_public_page_named_is_refused(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    async with two_sites(monkeypatch) as (client, public, private):
        if known:
            public.page("/list", "a list")
            await get(client, public.url("/list"))
        error = await refused(client, private.url("/in"), led_by=(public.url("/list"),))
        assert (error.code, private.log) == ("address_refused", [])


async def test_a_leader_that_nobody_can_look_up_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_sites(monkeypatch) as (client, _, private):
        error = await refused(client, private.url("/in"), led_by=("http://nowhere.invalid/",))
        assert (error.code, private.log) == ("address_refused", [])


async def test_a_sitemap_of_a_public_site_leads_to_no_private_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with two_sites(monkeypatch) as (client, public, private):
        namespace = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        entry = f"<sitemap><loc>{private.url('/map.xml')}</loc></sitemap>"
        index = f"<sitemapindex {namespace}>{entry}</sitemapindex>"
        public.page("/map.xml", index, content_type="application/xml")
        url, port = public.url("/map.xml"), int(private.host.rpartition(":")[2])
        spec = SourceSpec("docs", "sitemap", (url,), allow=("127.0.0.1",), ports=(port,))
        listing = await read_listing(
            client, parse_here, spec, OpenSlots(), Trusting(), nothing_listed
        )
        [(url, error)] = listing.troubles
        assert (url, error.code) == (private.url("/map.xml"), "address_refused")
        assert private.log == []


def test_who_led_to_the_pages_of_a_source() -> None:
    spec = SourceSpec("docs", "sitemap", ("http://a.example/s.xml", "http://10.0.0.1/s.xml"))
    leading = Leading(spec)
    assert leading.to("http://a.example/s.xml") == ()
    assert leading.to("http://a.example/p") == ("http://a.example/s.xml",)
    assert leading.to("http://10.0.0.1/p") == ("http://10.0.0.1/s.xml",)
    assert set(leading.to("http://10.0.0.1:81/p")) == set(spec.urls)
    assert set(leading.to("https://a.example/p")) == set(spec.urls)


# -- Atlas's own ports --


def spellings() -> list[str]:
    """Addresses of this machine, as many as it has."""
    found = ["127.0.0.1", "127.0.0.2", "127.8.9.10", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            found.append(str(probe.getsockname()[0]))
        except OSError:
            pass  # a machine without a network has no other
    return found


@pytest.mark.parametrize("address", spellings())
@pytest.mark.parametrize("own", ["127.0.0.1", "localhost", "::1", "[::1]", "0.0.0.0", ""])
def test_a_port_of_ours_is_refused_by_every_spelling(address: str, own: str) -> None:
    policy = AddressPolicy(["0.0.0.0/0", "::/0"], OwnPorts([(own, 7233)]))
    with pytest.raises(AddressRefused, match="part of Atlas itself"):
        policy.check(address, 7233)
    assert policy.check(address, 7234) is None


def test_a_port_of_ours_elsewhere_is_that_of_its_address() -> None:
    policy = AddressPolicy(["10.0.0.0/8"], OwnPorts([("10.0.0.5", 5432)]))
    for address in ("10.0.0.5", "::ffff:10.0.0.5", "64:ff9b::10.0.0.5"):
        with pytest.raises(AddressRefused, match="part of Atlas itself"):
            policy.check(address, 5432)
    assert policy.check("10.0.0.6", 5432) is None
    assert policy.check("10.0.0.5", 80) is None


async def test_names_of_ours_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, *rest: object, **named: object) -> object:
        return real("10.0.0.5" if host == "db.example" else host, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    policy = AddressPolicy(["10.0.0.0/8"], OwnPorts([("db.example", 5432), ("no.invalid", 1)]))
    await policy.own.look()
    with pytest.raises(AddressRefused, match="part of Atlas itself"):
        policy.check("10.0.0.5", 5432)


def test_a_public_neighbour_of_a_part_is_none() -> None:
    # A site in the same cloud as the blob store may have the same public address.
    assert AddressPolicy((), OwnPorts([("93.184.215.14", 443)])).check("93.184.215.14", 443) is None


async def test_our_ports_are_refused_at_dial_time_by_name_literal_and_redirect() -> None:
    async with Origin() as ours, Origin() as origin:
        port = int(ours.host.rpartition(":")[2])
        policy = AddressPolicy(["127.0.0.0/8", "::1/128"], OwnPorts([("127.0.0.1", port)]))
        origin.redirect("/a", ours.url("/"))
        async with WebClient(policy=policy) as client:
            hosts = ("127.0.0.1", "localhost", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "127.9.9.9")
            urls = [f"http://{host}:{port}/" for host in hosts]
            for url in (*urls, origin.url("/a")):
                error = await refused(client, url)
                assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "address_refused")
                assert "a part of Atlas itself" in error.message
        assert ours.log == []


def test_this_machine_is_known_by_its_addresses() -> None:
    from ipaddress import ip_address

    assert all(is_this_machine(ip_address(each)) for each in spellings() if "ffff" not in each)
    assert not is_this_machine(ip_address("192.0.2.1"))


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("127.0.0.1:7233", [("127.0.0.1", 7233)]),
        ("[::1]:9464", [("::1", 9464)]),
        ("http://s3:8333/x", [("s3", 8333)]),
        ("https://ui.example/", [("ui.example", 443)]),
        ("temporal", [("temporal", 7233)]),
        ("postgresql://u:p@db:5433/a", [("db", 5433)]),
        ("http://h:99999", []),
        (None, []),
    ],
)
def test_where_a_part_is(address: str | None, found: list[tuple[str, int]]) -> None:
    assert endpoint_of(address, 7233) == found


def test_every_part_that_the_settings_know_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = {
        "ATLAS_HOME": str(tmp_path),
        "ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8,10.0.0.0/8",
        "ATLAS_DATABASE_URL": "postgresql://atlas@127.0.0.1:5001,10.0.0.5/atlas",
        "TEMPORAL_ADDRESS": "localhost:5002",
        "ATLAS_WEB_UI_URL": "http://127.0.0.1:5003",
        "ATLAS_METRICS_ADDRESS": "127.0.0.1:5004",
        "ATLAS_S3_ENDPOINT": "http://127.0.0.1:5005",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:5006",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:5007",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    record = '{"format": 1, "parts": {}, "ports": {"temporal": 5008, "ui": 5009, "http": 5010}}'
    (tmp_path / "stack.json").write_text(record)
    policy = address_policy(Settings.load(), "127.0.0.1:5011")
    for port in (*range(5001, 5012), 7243, CODEC_PORT):
        with pytest.raises(AddressRefused, match="part of Atlas itself"):
            policy.check("127.0.0.1", port)
    with pytest.raises(AddressRefused, match="part of Atlas itself"):
        policy.check("10.0.0.5", 5432)
    assert policy.check("127.0.0.1", 80) is None


# -- from https to http --


@asynccontextmanager
async def https_redirect(location: str) -> AsyncIterator[str]:
    """An https server that redirects everything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"


async def test_a_redirect_from_https_to_http_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    async with web() as (client, origin), https_redirect(origin.url("/a")) as url:
        origin.page("/a", "plain")
        error = await refused(client, url, robots=RobotsMode.IGNORE)
        assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "redirect_insecure")
        assert (error.final_url, error.status) == (url, 302)
        closed = await refused(client, url)  # the rules of the site cannot be trusted
        assert closed.code == "robots_unreachable"
        assert "https to http" in closed.message
        assert origin.log == []


async def test_a_redirect_from_http_to_https_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    async with web() as (client, origin), https_redirect("/a") as url:
        origin.redirect("/a", url)
        error = await refused(client, origin.url("/a"), robots=RobotsMode.IGNORE)
        assert (error.code, error.final_url) == ("redirect_loop", url)


@pytest.mark.fault(15)
async def test_keys_of_connections_are_written_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    tls._context.cache_clear()
    async with https_redirect("/a") as url, WebClient(policy=LOOPBACK) as client:
        await refused(client, url, robots=RobotsMode.IGNORE)
    assert not (tmp_path / "keys").exists()
