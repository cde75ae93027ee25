"""Kinds of bad days: what a site answers while it misbehaves, none of which means a page is gone.

Each function changes a `Site` that had a good day until now; `Site.good` ends the bad one.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Sequence

from tests.bad_answers import (
    CHECK,
    CONSENT,
    LOGIN,
    MAINTENANCE,
    SOFT_404,
    Answers,
    document,
    endless,
    everywhere,
    half,
    short,
    unbounded,
    wall,
)
from tests.origin import Reply
from tests.outage.site import SIGN_IN, SPAN, Site

BadDay = Callable[[Site], None]


def leads(target: str, status: int) -> BadDay:
    """Every page redirects; `{path}` in the target is where one came from."""

    def answers(number: int, path: str) -> Reply:
        location = target.format(path=path.replace("/", "%2F"))
        return Reply(status=status, headers={"Location": location})

    return lambda site: site.answer(answers)


def says(answers: Answers | Reply) -> BadDay:
    """Every page answers so."""
    chosen = everywhere(answers) if isinstance(answers, Reply) else answers
    return lambda site: site.answer(chosen)


def some(day: Answers | Reply, share: float) -> BadDay:
    """A share of the pages answers so; the others are well."""
    chosen = everywhere(day) if isinstance(day, Reply) else day

    def bad(site: Site) -> None:
        count = max(2, round(site.pages * share))
        site.answer(chosen, random.Random(7).sample(range(site.pages), min(count, site.pages)))

    return bad


ERROR = wall(
    "500 Internal Server Error",
    "The server encountered an internal error or misconfiguration and was unable to complete your "
    "request. Reference {token}. Apache/2.4 at docs.test, {time}.",
)
SHELL = wall(
    "{title}",
    "You need to enable JavaScript to run this app. Loading, please wait. Build {token}.",
)
DENIED = wall(
    "Access denied",
    "You do not have permission to view this page from your region. Incident {token}.",
)


def noindex(number: int, path: str) -> Reply:
    """A staging configuration went live."""
    return Reply(document(number), headers={"X-Robots-Tag": "noindex"})


MIXED: Sequence[Answers] = (
    everywhere(Reply(status=404)),
    everywhere(Reply(status=503)),
    everywhere(Reply(status=302, headers={"Location": "/login"})),
    LOGIN,
    half,
    everywhere(Reply(b"")),
    everywhere(Reply(hang_up=True)),
)


def mixed(number: int, path: str) -> Reply:
    """Each page has a trouble of its own."""
    return MIXED[number % len(MIXED)](number, path)


def one_for_all(number: int, path: str) -> Reply:
    """A cache that ignores the path: a real page of the site, for every address."""
    return Reply(document(number // SPAN * SPAN + 1))


def neighbours(number: int, path: str) -> Reply:
    """A cache that mixes its keys up: each page has the text of the one before."""
    return Reply(document(number - 1 if number % SPAN else number))


def flapping(site: Site) -> None:
    """Every other request of a page is answered by a server that has no pages."""
    for number, path in enumerate(site.paths):
        good, bad = Reply(site.document(number), etag=False), SOFT_404(number, path)
        answers = [bad, good] if number % 2 else [good, bad]
        site.origin.script(path, *answers * 50)


def no_name(site: Site) -> None:
    """The name is gone from DNS for a day. Connections are closed: an open one needs no name."""

    def look() -> str:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    site.names[site.host] = look
    site.origin.disconnect()


def denied_by_robots(site: Site) -> None:
    site.origin.robots("User-agent: *\nDisallow: /\n")


def broken_robots(site: Site) -> None:
    site.origin.status("/robots.txt", 503)


def half_a_listing(site: Site) -> None:
    site.lists(site.paths[: site.pages // 2])


def empty_listing(site: Site) -> None:
    site.lists([])


def cut_sitemap(site: Site) -> None:
    site.lists(site.paths)
    urls = "".join(f"<url><loc>{site.url(path)}</loc></url>" for path in site.paths[:2])
    site.origin.page("/sitemap.xml", f"<urlset>{urls}<url><loc>http", content_type="text/xml")


def gone_sitemap(site: Site) -> None:
    site.origin.status("/sitemap.xml", 404)


def listing_of_another(site: Site) -> None:
    site.lists([f"/elsewhere/{number}" for number in range(site.pages)], "http://other.test")


def listing_of_new_names(site: Site) -> None:
    """A deploy of the wrong branch: every listed address is unknown, and answers nothing."""
    site.lists([f"/docs/v0/{number}.html" for number in range(site.pages)])


def login_as_sitemap(site: Site) -> None:
    site.origin.page("/sitemap.xml", SIGN_IN)
    site.answer(everywhere(Reply(SIGN_IN)))


def login_as_feed(site: Site) -> None:
    site.origin.page("/feed.xml", SIGN_IN)
    site.answer(everywhere(Reply(SIGN_IN)))


def gone_feed(site: Site) -> None:
    site.origin.status("/feed.xml", 404)


def new_host(site: Site) -> None:
    """The site moved, as it should: each page leads to its own new address, and is there."""
    base = site.move()
    for number, path in enumerate(site.paths):
        site.origin.page(f"/new{path}", site.document(number))
        site.origin.redirect(path, f"{base}/new{path}", 301)


PARKED = wall(
    "This domain may be for sale",
    "The owner of {title} has not renewed it. Related searches: harbour tickets, ferry times, "
    "cheap rooms by the sea. Inquire about this domain with reference {token}.",
)


def parked_host(site: Site) -> None:
    """The name was lost: each page leads to an address of its own, with the same words on it."""
    base = site.move()
    for number, path in enumerate(site.paths):
        site.origin.reply(f"/new{path}", PARKED(number, path))
        site.origin.redirect(path, f"{base}/new{path}", 301)


def no_links(site: Site) -> None:
    """The navigation failed to load; the pages are well."""
    site.answer(lambda number, path: Reply(document(number)))


def half_the_links(site: Site) -> None:
    """The first page leads on, the others do not."""
    no_links(site)
    site.origin.page(site.paths[0], site.document(0))


def links_to_new_names(site: Site) -> None:
    """A deploy of the wrong branch: every link leads to an address that answers nothing."""
    for number, path in enumerate(site.paths):
        links = [(f"/docs/v0/{n}.html", f"Page {n}") for n in range(number, number + 3)]
        site.origin.page(path, site.linking(number, links))


BAD_DAYS: dict[str, BadDay] = {
    "302 to login": leads("/login", 302),
    "301 to login": leads("/login", 301),
    "302 to login, remembering": leads("/login?next={path}", 302),
    "308 to login, remembering": leads("/login?next={path}", 308),
    "302 home": leads("/", 302),
    "301 home": leads("/", 301),
    "301 to a parked host": parked_host,
    "307 to another host": leads("http://other.test:1/", 307),
    "301 to one page of the site": leads("/docs/1.html", 301),
    "login": says(LOGIN),
    "login form": says(Reply(SIGN_IN)),
    "human check": says(CHECK),
    "consent": says(CONSENT),
    "maintenance": says(MAINTENANCE),
    "soft 404": says(SOFT_404),
    "error with 200": says(ERROR),
    "access denied with 200": says(DENIED),
    "shell without text": says(SHELL),
    "half": says(half),
    "short": says(short),
    "endless": says(endless),
    "unbounded": says(unbounded),
    "empty": says(Reply(b"")),
    "410": says(Reply("<p>gone", 410)),
    "404": says(Reply("<p>not here", 404)),
    "403": says(Reply("<p>forbidden", 403)),
    "401": says(Reply("<p>log in", 401)),
    "500": says(Reply("<p>sorry", 500)),
    "503": says(Reply("<p>busy", 503)),
    "hangs up": says(Reply(hang_up=True)),
    "noindex": says(noindex),
    "not html": says(Reply(b"\x00\x01\x02" * 400, content_type="application/octet-stream")),
    "one page for all": says(one_for_all),
    "pages mixed up": says(neighbours),
    "each its own trouble": says(mixed),
    "a fifth 404": some(Reply("<p>not here", 404), 0.2),
    "a fifth to login": some(Reply(status=302, headers={"Location": "/login"}), 0.2),
    "a fifth human check": some(CHECK, 0.2),
    "a fifth half": some(half, 0.2),
    "flapping": flapping,
    "no such host": no_name,
    "robots.txt denies all": denied_by_robots,
    "robots.txt broken": broken_robots,
}


def presents(certificate: str) -> BadDay:
    """Of a site with TLS; what it would answer is as on any other day."""
    return lambda site: site.presents(certificate)


BAD_CERTIFICATES: dict[str, BadDay] = {
    "certificate out of date": presents("out of date"),
    "certificate of another host": presents("of another host"),
    "certificate of nobody known": presents("of nobody known"),
}
"""Of a site with TLS."""

# A list of addresses follows its pages to the new host, which is a departure and no bad day.
MOVED: dict[str, BadDay] = {"301 to a new host": new_host}
"""Of a source whose prefix does not let the new host in."""

BAD_SITEMAPS: dict[str, BadDay] = {
    "half a sitemap": half_a_listing,
    "empty sitemap": empty_listing,
    "cut sitemap": cut_sitemap,
    "no sitemap": gone_sitemap,
    "sitemap of another site": listing_of_another,
    "sitemap of new names": listing_of_new_names,
    "login instead of a sitemap": login_as_sitemap,
}
BAD_FEEDS: dict[str, BadDay] = {
    "half a feed": half_a_listing,
    "empty feed": empty_listing,
    "no feed": gone_feed,
    "feed of another site": listing_of_another,
    "feed of new names": listing_of_new_names,
    "login instead of a feed": login_as_feed,
}
BAD_LINKS: dict[str, BadDay] = {
    "no links": no_links,
    "half the links": half_the_links,
    "links to new names": links_to_new_names,
}
"""Of a crawl."""

DAYS_OF: dict[str, dict[str, BadDay]] = {
    "sitemap": BAD_DAYS | BAD_CERTIFICATES | MOVED | BAD_SITEMAPS,
    "feed": BAD_DAYS | MOVED | BAD_FEEDS,
    "urls": BAD_DAYS | BAD_CERTIFICATES,
    "site": BAD_DAYS | MOVED | BAD_LINKS,
}
"""Kind of source → the days that it may have."""

OF_A_LARGE_SITE: dict[str, BadDay] = {
    "51 pages 404": some(Reply("<p>not here", 404), 0.051),
    "51 pages 410": some(Reply("<p>gone", 410), 0.051),
    "51 pages home": some(Reply(status=301, headers={"Location": "/"}), 0.051),
    "51 pages half": some(half, 0.051),
}
"""A small share of 1,000 pages, and too many all the same: the brake also counts pages. Of a small
site the same share would be few enough to leave."""
