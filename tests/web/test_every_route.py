"""No route leads to a forbidden address: pages, redirects, robots.txt, feeds, sitemaps, links of a
page, detection, the doctor and alerts; in 500 spellings, with and without an allow-list, and by
names that change their address. What counts is every connection that the event loop opens."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from atlas.contracts.health import Transition
from atlas.domain.addresses.reach import Reach, reach_of
from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.errors import PageError
from atlas.domain.fetch import FetchRequest, RobotsMode
from atlas.domain.sources import Kind, Leading, SourceSpec
from atlas.health import network
from atlas.health.probe import Unwell
from atlas.health.webhook import AlertWebhook
from atlas.settings import Settings
from atlas.settings.groups import FetchSettings
from atlas.text.extract import extract
from atlas.web.address_policy import AddressPolicy
from atlas.web.client import WebClient
from atlas.web.listing_parser import Listed
from atlas.web.listings import ListingDocument, read_document, read_listing
from atlas.web.politeness import OpenSlots
from atlas.web.source_detection import detect
from starter import reachability
from tests.origin import Origin, Reply, Seen
from tests.web.fetching import Body
from tests.web.parsed import Trusting, parse_here, parse_robots_here
from tests.web.reach import METADATA, PUBLIC, Net, a_net, as_public, spellings

HOSTS = spellings()
BOUND = ("127.0.0.0/31", "10.0.0.0/8", "fd00::/8", "172.16.0.0/12")
"""An allow-list, of which the source under test names nothing."""
EXPECTED = {"address_refused", "invalid_url", "redirect_invalid"}
"""Codes of what is never retried: an address that cannot be used is no fault of the network."""


@dataclass
class World:
    """A public site that is hostile, a private one, and all connections."""

    net: Net
    public: Origin
    private: Origin
    client: WebClient
    every: int = 1
    """Which of the spellings are tried."""
    location: str = ""
    """Where `/r` and the robots.txt of every `n<number>.example` redirect to."""

    @property
    def here(self) -> tuple[str, int]:
        host, _, port = self.public.host.rpartition(":")
        return host, int(port)

    @property
    def port(self) -> int:
        return int(self.private.host.rpartition(":")[2])

    def targets(self, every: int = 1) -> list[str]:
        """Forbidden URLs as a site may write them."""
        step = every * self.every
        hosts = [host.replace("{port}", str(self.port)) for host in HOSTS[::step]]
        return [f"http://{host}/in" for host in hosts]

    def spec(self, kind: Kind, *urls: str) -> SourceSpec:
        # The ports are open: what is tested is the address alone.
        return SourceSpec("docs", kind, urls, ports=(81, self.port, self.here[1]))

    def redirect_to(self, url: str) -> None:
        """From now on; as bytes of UTF-8, without what would end the header."""
        self.location = url.replace("\n", "").encode().decode("latin-1")

    async def fetch(
        self, url: str, led_by: Sequence[str] = (), robots: RobotsMode = RobotsMode.OBEY
    ) -> str:
        """The code of the failure; "" if it was none."""
        reach = reach_of(self.spec("urls", self.public.url("/")))
        request = FetchRequest(url, led_by=tuple(led_by), robots=robots, reach=reach)
        try:
            await self.client.fetch(request, Body(), OpenSlots())
        except PageError as error:
            return error.code
        return ""

    def answer(self, seen: Seen) -> Reply:
        if seen.path == "/r" or seen.headers["host"].startswith("n"):
            return Reply(status=302, headers={"Location": self.location})
        return Reply("<p>no such page", 404)


@asynccontextmanager
async def world(
    monkeypatch: pytest.MonkeyPatch,
    bound: Sequence[str],
    site: str = PUBLIC,
    *,
    really: bool = False,
) -> AsyncIterator[World]:
    """`really`: `site` is a public address of this machine, and every address may be tried."""
    if not really:
        as_public(monkeypatch)
    net = a_net(monkeypatch, really=really)
    async with (
        Origin(site) as public,
        Origin() as private,
        WebClient(policy=AddressPolicy(bound), parse_robots=parse_robots_here) as client,
    ):
        found = World(net, public, private, client)
        public.route("/", found.answer)
        private.page("/in", "secret")
        yield found
        assert private.log == []
        assert found.net.strayed(found.here) == set()


async def by_page(world: World) -> set[str]:
    return {await world.fetch(url) for url in world.targets()}


async def by_page_without_robots(world: World) -> set[str]:
    led = (world.public.url("/"),)
    return {await world.fetch(url, led, RobotsMode.IGNORE) for url in world.targets()}


async def by_redirect(world: World) -> set[str]:
    codes = set()
    for url in world.targets():
        world.redirect_to(url)
        codes.add(await world.fetch(world.public.url("/r")))
    return codes


async def by_robots(world: World) -> set[str]:
    codes = set()
    site, _ = world.here
    for number, target in enumerate(world.targets(3)):
        world.redirect_to(target)
        name = f"n{number}.example"
        world.net.names[name] = lambda: site
        url = world.public.url("/r").replace(site, name)
        codes.add(await world.fetch(url))
    return codes - {"robots_unreachable"}


async def by_listing(world: World, kind: Kind, body: str) -> set[str]:
    """What a feed or a sitemap lists is fetched as a run would."""
    world.public.page("/list", body, content_type="application/xml")
    spec, found = world.spec(kind, world.public.url("/list")), list[Listed]()

    async def take(part: Sequence[Listed]) -> None:
        found.extend(part)

    listing = await read_listing(world.client, parse_here, spec, OpenSlots(), Trusting(), take)
    leading = Leading(spec)
    codes = {await world.fetch(each.url, leading.to(each.url)) for each in found}
    assert len(codes) + len(listing.troubles) > 0
    return codes | {error.code for _, error in listing.troubles}


async def by_feed(world: World) -> set[str]:
    items = "".join(f"<item><link>{html.escape(url)}</link></item>" for url in world.targets())
    return await by_listing(world, "feed", f"<rss version='2.0'><channel>{items}</channel></rss>")


async def by_sitemap(world: World) -> set[str]:
    namespace = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    rows = [f"<loc>{html.escape(url)}</loc>" for url in world.targets()]
    pages = f"<urlset {namespace}>{''.join(f'<url>{row}</url>' for row in rows)}</urlset>"
    children = "".join(f"<sitemap>{row}</sitemap>" for row in rows)
    codes = await by_listing(world, "sitemap", pages)
    index = f"<sitemapindex {namespace}>{children}</sitemapindex>"
    return codes | await by_listing(world, "sitemap", index)


async def by_links(world: World) -> set[str]:
    """`a`, `link rel=canonical`, and relative links below a `base href`."""
    found: set[str] = set()
    for url in world.targets():
        quoted = html.escape(url)
        text = "<p>All about the harbour lamps and who keeps them burning at night."
        for head in (f"<base href='{quoted}'>", f"<link rel=canonical href='{quoted}'>"):
            page = f"<html><head>{head}</head><body><a href='{quoted}'>x</a><a href=y>y</a>{text}"
            got = extract(page.encode(), "text/html", "utf-8", world.public.url("/p"))
            found |= {link.url for link in got.links} | (
                {got.canonical} if got.canonical else set()
            )
    led = (world.public.url("/p"),)
    return {await world.fetch(url, led) for url in found} - {"http_404"}  # y at the public site


async def by_detection(world: World) -> set[str]:
    codes: set[str] = set()
    reach = reach_of(world.spec("urls", world.public.url("/")))

    async def get(url: str) -> ListingDocument | None:
        try:
            return await read_document(world.client, url, OpenSlots(), (), reach)
        except PageError as error:
            codes.add(error.code)
            raise

    for url in world.targets(7):
        try:
            await detect(url, get, parse_here, parse_robots_here)
        except InvalidUrl:
            codes.add("invalid_url")
        named = f"Sitemap: {url}\n"
        world.public.page("/robots.txt", named, content_type="text/plain")
        await detect(world.public.url("/"), get, parse_here, parse_robots_here)
    return codes - {"http_404"}


ROUTES: list[Callable[[World], Awaitable[set[str]]]] = [
    *(by_page, by_page_without_robots, by_redirect, by_robots, by_feed, by_sitemap, by_links),
    by_detection,
]


async def by_doctor(world: World) -> set[str]:
    settings = Settings(fetch=FetchSettings(fetch_allow_networks=("172.30.0.0/16",)))
    for host in HOSTS[:: 5 * world.every]:
        with pytest.raises(Unwell):
            url = f"http://{host.replace('{port}', '81')}/"
            await reachability.reached(settings, url, lambda: datetime.now(UTC))
    return set()


async def by_alerts(world: World) -> set[str]:
    """A receiver may be private, but no metadata address."""
    hosts = spellings((*METADATA, "fe80::1", "fd00:ec2::254", "fd20:ce::254"))
    assert len(hosts) > 150
    world.net.names["metadata.example"] = lambda: METADATA[0]
    transition = Transition(
        part="blobs", before="ok", after="failing", since=0.0, detail="full", mend="Free it"
    )
    for host in (*hosts[:: world.every], "metadata.example"):
        url = f"http://{host.replace('{port}', '81')}/s3cret"
        said = await AlertWebhook(url, "default", pauses=()).send("key", 1.0, [transition])
        assert said is not None and "s3cret" not in said
        with pytest.raises(Unwell):
            await network.reached("ATLAS_ALERT_WEBHOOK", url, datetime.now(UTC))
    return set()


ROUTES_AND_SENDERS = [*ROUTES, by_doctor, by_alerts]


def test_there_are_enough_spellings() -> None:
    assert len(HOSTS) >= 500
    usable = 0
    for host in HOSTS:
        try:
            canonicalize(f"http://{host.replace('{port}', '81')}/")
            usable += 1
        except InvalidUrl:
            continue
    assert usable >= 350, "too few that a parser lets through"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
async def test_no_route_leads_to_a_forbidden_address(
    route: Callable[[World], Awaitable[set[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(monkeypatch, BOUND) as here:
        here.every = 1 if route in (by_page, by_redirect) else 5
        codes = await route(here)
        assert codes <= EXPECTED, codes


@pytest.mark.slow  # all spellings on all routes
@pytest.mark.parametrize("bound", [(), BOUND], ids=["nothing-allowed", "allow-list"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
async def test_no_route_leads_there_in_any_spelling(
    route: Callable[[World], Awaitable[set[str]]],
    bound: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, bound) as here:
        codes = await route(here)
        assert codes <= EXPECTED, codes


async def test_what_is_counted_are_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rules, the count is not 0: the test above sees what it is to see."""
    async with world(monkeypatch, BOUND) as here:
        here.public.page("/", "open")
        assert await here.fetch(here.public.url("/")) == ""
        allowed = Reach((), allow=("any",), ports=(here.port,))
        for url in (here.private.url("/in"), f"http://10.9.8.7:{here.port}/in"):
            request = FetchRequest(url, reach=allowed, robots=RobotsMode.IGNORE)
            try:
                await here.client.fetch(request, Body(), OpenSlots())
            except PageError as error:
                assert error.code == "connection_refused"
        assert here.net.strayed(here.here) == {("127.0.0.1", here.port), ("10.9.8.7", here.port)}
        here.net.connected.clear()
        here.private.log.clear()


@pytest.mark.parametrize("bound", [(), BOUND], ids=["nothing-allowed", "allow-list"])
async def test_a_name_that_changes_its_address_leads_nowhere(
    bound: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(monkeypatch, bound) as here:
        _, port = here.here
        here.public.page("/p", "open")
        codes: list[str] = []
        for number in range(12):  # each name begins at another place of the round
            name = f"rebind{number}.example"
            turns = [PUBLIC, "127.0.0.1", "10.9.8.7", "169.254.169.254", PUBLIC]
            here.net.rebinding(name, *turns[number % 5 :], *turns[: number % 5])
            url = f"http://{name}:{port}/p"
            here.redirect_to(url)
            for _ in range(6):
                codes.append(await here.fetch(url, (here.public.url("/"),)))
                codes.append(await here.fetch(here.public.url("/r"), robots=RobotsMode.IGNORE))
                # A kept connection would spare the lookup.
                here.public.script("/p", Reply("open", headers={"Connection": "close"}))
                await here.client._http.aclose()
                await here.client.__aenter__()
            assert here.net.asked[name] >= 6
        assert set(codes) <= {"", "address_refused", "robots_unreachable"}
        assert {"", "address_refused"} <= set(codes)


async def test_a_source_at_a_name_that_was_public_stays_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own URL, which nobody led to, in a network that the operator allows."""
    async with world(monkeypatch, BOUND) as here:
        _, port = here.here
        here.public.page("/p", "open")
        here.net.rebinding("own.example", PUBLIC, "127.0.0.1")
        url = f"http://own.example:{port}/p"
        reach = reach_of(here.spec("urls", url))
        request = FetchRequest(url, reach=reach, robots=RobotsMode.IGNORE)
        await here.client.fetch(request, Body(), OpenSlots())
        await here.client._http.aclose()  # and its connection
        await here.client.__aenter__()
        with pytest.raises(PageError, match="its name had a public address"):
            await here.client.fetch(request, Body(), OpenSlots())


@pytest.mark.parametrize("route", [by_doctor, by_alerts], ids=lambda route: route.__name__)
async def test_neither_the_doctor_nor_an_alert_leads_there(
    route: Callable[[World], Awaitable[set[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(monkeypatch, ()) as here:
        await route(here)
        assert here.net.connected == []
