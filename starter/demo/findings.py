"""What came of it: the corpus as the client shows it, beside the site's own log of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atlas.demo.site import DemoSite, Hit
from starter.client import AtlasClient


@dataclass(frozen=True)
class Corpus:
    """Documents of the demo site by path, and how the site answered."""

    hashes: Mapping[str, str]
    """Text hash by path."""
    together: Mapping[str, frozenset[str]]
    """The paths that search shows as one result with this one."""
    requests: Sequence[Hit]

    @property
    def paths(self) -> set[str]:
        """Every path with a live document."""
        return set(self.hashes)

    def statuses(self, path: str) -> list[int]:
        """What the site answered for `path`, in order."""
        return [hit.status for hit in self.requests if hit.path == path]

    def same_text(self, path: str) -> set[str]:
        """The paths that have the text of `path`."""
        return {other for other, text in self.hashes.items() if text == self.hashes.get(path)}


async def look(atlas: AtlasClient, site: DemoSite, since: int = 0) -> Corpus:
    """The corpus now, and the site's requests from number `since` on."""
    hashes = {
        "/" + found.url.removeprefix(site.url): found.text_hash async for found in atlas.documents()
    }
    together = {path: await _together(atlas, site, path) for path, _ in _near(site)}
    return Corpus(hashes, together, site.requests[since:])


def _near(site: DemoSite) -> tuple[tuple[str, str], ...]:
    return site.expectations.near_duplicates


async def _together(atlas: AtlasClient, site: DemoSite, path: str) -> frozenset[str]:
    """What the result that shows `path` stands for, asked by a sentence that both texts have."""
    page = await atlas.search(site.expectations.sentences[path], limit=1)
    urls = [url for hit in page.results for url in (hit.url, *hit.similar)]
    return frozenset("/" + url.removeprefix(site.url) for url in urls)
