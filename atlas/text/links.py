"""Outlinks in document order, in the spelling pages are known by."""

from typing import NamedTuple

from lxml.html import HtmlElement

from atlas.domain.addresses.urls import MAX_URL_LENGTH, InvalidUrl, canonicalize, fragment_of
from atlas.domain.texts import Link
from atlas.text.metadata.head import Head

MAX_LINKS = 5_000
MAX_LINKS_SEEN = 50_000  # link elements looked at, lest a page of bad links cost minutes
_SCHEMES_SKIPPED = ("javascript:", "mailto:", "tel:", "data:", "#")


def base_of(tree: HtmlElement, url: str) -> str:
    """What relative links are resolved on: `<base href>` (HTML, 4.2.3) or the page's own URL."""
    for element in tree.iter("base"):
        if element.get("href"):
            try:
                return canonicalize(element.get("href").strip(), url)
            except InvalidUrl:
                return url
    return url


class Outlinks(NamedTuple):
    """The links of a page; `missing` says which are left out because there are too many; None:
    none are."""

    kept: tuple[Link, ...]
    missing: str | None


class Addresses:
    """The links of one page, each spelling canonicalised once: text and link list share them."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._known: dict[str, str | None] = {}

    def resolve(self, href: str) -> str | None:
        """The canonical http(s) URL, None for any other kind of link or a bad one."""
        if href not in self._known:
            self._known[href] = self._canonical(href)
        return self._known[href]

    def shown(self, href: str) -> str | None:
        """The same with the fragment of the link, if it has one: where a reader is led. A link
        within the page leads to the page's own address, or to that of `<base>`."""
        if not href.startswith("#"):
            url = self.resolve(href)
        else:
            url = self.resolve(self._base) if len(href) > 1 else None
        if url is None or "#" not in href:
            return url
        fragment = fragment_of(href, self._base)
        return url + fragment if len(url) + len(fragment) <= MAX_URL_LENGTH else url

    def _canonical(self, href: str) -> str | None:
        if not href or href[:11].lower().startswith(_SCHEMES_SKIPPED):
            return None
        try:
            return canonicalize(href, self._base)
        except InvalidUrl:
            return None


def outlinks(tree: HtmlElement, head: Head, addresses: Addresses) -> Outlinks:
    """At most `MAX_LINKS` distinct http(s) targets of `a` and `area`, first mention first.

    A target named twice is nofollow only if every mention is. Bad addresses are left out.
    """
    page_rel = ["nofollow"] if head.asked.nofollow else []
    found: dict[str, set[str]] = {}
    missing = None
    for seen, element in enumerate(tree.iter("a", "area")):
        if seen >= MAX_LINKS_SEEN:
            missing = f"links after the first {MAX_LINKS_SEEN}"
            break
        url = addresses.resolve((element.get("href") or "").strip())
        if url is None:
            continue
        tokens = {*(element.get("rel") or "").lower().split(), *page_rel}
        if url in found:
            _merge(found[url], tokens)
        elif len(found) < MAX_LINKS:
            found[url] = tokens
        else:
            missing = f"links to more than {MAX_LINKS} addresses"
    links = (Link(url, " ".join(sorted(rel))[:200]) for url, rel in found.items())
    return Outlinks(tuple(links), missing)


def _merge(known: set[str], more: set[str]) -> None:
    follow = not ("nofollow" in known and "nofollow" in more)
    known |= more
    if follow:
        known.discard("nofollow")
