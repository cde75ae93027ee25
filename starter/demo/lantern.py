"""The demo on Lantern Harbour, our own site, where everything that happens was planted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from atlas.contracts.sync_pipeline import SyncResult
from atlas.demo.prose import first_edition, second_edition
from atlas.demo.site import DemoSite, Expectations
from starter.client import AtlasClient
from starter.demo.findings import Corpus, look
from starter.demo.home import running_stack
from starter.demo.story import Story
from starter.demo.telling import Finale, sync, tell_stack

NAME = "harbour"
DELAY = 0.02
PARALLEL = 4
# Loopback is refused unless allowed; what fails is tried again a second later, not five.
_SETTINGS = {"ATLAS_FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "ATLAS_FETCH_RETRY_DELAY": "1"}

# A query, and the page that must come first.
QUERIES = (
    ("ferry to Saltmarsh every two hours", "/harbour/ferries"),
    ("灯塔", "/zh/lighthouse"),
    ("提灯夜行", "/zh-hant/lamp-walk"),
    ("霧の日", "/ja/fog"),
    ("뗏목", "/ko/raft"),
    ("dunkles Brot, Sauerteig", "/de/schwarzbrot"),
    ("маяка", "/ru/mayak"),
    ("seal printed as a rock", "/harbour/chart-notes.pdf"),
    ("gulls on the ninth step", "/harbour/tides"),
    ("mussels bacon chowder", "/kitchen/chowder"),
)
_REMARKS = {
    "提灯夜行": "Asked in simplified characters, found in a page written in traditional ones.",
    "маяка": "An inflected form; the page's title says маяк in another.",
    "seal printed as a rock": "The text of a PDF.",
}
_OLD = ("/harbour/ferries", '"every two hours from seven in the morning"')
_NEW = ("/harbour/ferries", '"every hour from six in the morning"')
_ADDED = ("/news/regatta", "regatta borrowed boats")


@dataclass(frozen=True)
class Scene:
    """What every step needs."""

    story: Story
    atlas: AtlasClient
    site: DemoSite

    def path(self, url: str) -> str:
        """The path of one of the site's URLs."""
        return "/" + url.removeprefix(self.site.url)


async def tell(story: Story, home: Path, finale: Finale) -> None:
    """Tell the story; `finale` gets the links to its runs while stack and site are up."""
    os.environ.update(_SETTINGS)
    story.title("Atlas, with Lantern Harbour: a small site of our own, full of planted trouble")
    story.step("Start the stack")
    story.command("atlas up -d")
    async with running_stack(home) as said, DemoSite() as site:
        await tell_stack(story, home, said)
        async with AtlasClient.connect() as atlas:
            await finale(await _tell(Scene(story, atlas, site)))


async def _tell(scene: Scene) -> list[str]:
    await _declare(scene)
    scene.story.step("Sync it: fetch, extract, recognise duplicates, index")
    first, first_link = await sync(scene.story, scene.atlas, NAME)
    await _explain_first(scene, first)
    scene.story.step("Search")
    await _search(scene)
    scene.story.step("The site changes")
    before = scene.site.expectations
    for change in scene.site.change():
        scene.story.say(change)
    mark = len(scene.site.requests)
    scene.story.step("Sync again: only what changed is downloaded and stored")
    second, second_link = await sync(scene.story, scene.atlas, NAME)
    await _explain_second(scene, second, before, mark)
    scene.story.step("Search again: the new text is found, the old one is not")
    await _search_again(scene)
    return [link for link in (first_link, second_link) if link]


async def _declare(scene: Scene) -> None:
    story, expected = scene.story, scene.site.expectations
    story.step("Declare the site as a source")
    story.say(
        f"Lantern Harbour is served at {scene.site.url}: {len(expected.pages)} pages in "
        f"{len(expected.languages)} languages."
    )
    url, manner = scene.site.url, f"--delay {DELAY:g} --parallel {PARALLEL}"
    story.command(f"atlas sources add {NAME} {url} {manner}")
    added = await scene.atlas.sources.add(NAME, url, delay=DELAY, parallel=PARALLEL)
    story.say(f"{added.evidence}.")
    story.check(added.spec.kind == "sitemap", "Atlas found its sitemap by itself", added.spec.kind)


async def _explain_first(scene: Scene, result: SyncResult) -> None:
    story, expected, counts = scene.story, scene.site.expectations, result.counts
    corpus = await look(scene.atlas, scene.site)
    redirected = [path for path in expected.listed if path in expected.redirects]
    story.check(
        counts.seen == len(expected.listed),
        f"{len(expected.listed)} seen: as many as the sitemap lists",
        counts.seen,
    )
    story.check(
        counts.added == len(expected.pages) and corpus.paths == set(expected.pages),
        f"{len(expected.pages)} added: the pages that a robot may read, each with its text",
        counts.added,
    )
    story.check(
        counts.skipped == len(redirected) and corpus.statuses(redirected[0]) == [301],
        f"{len(redirected)} skipped: {redirected[0]} answers 301 and leads to "
        f"{expected.redirects[redirected[0]]}, which is a page of its own",
        counts.skipped,
    )
    _explain_failures(scene, result, corpus)
    _explain_retry(scene, corpus)
    _explain_duplicates(scene, corpus)


def _explain_failures(scene: Scene, result: SyncResult, corpus: Corpus) -> None:
    story, expected = scene.story, scene.site.expectations
    codes = {scene.path(failure.url): failure.code for failure in result.failures}
    gone = [path for path in expected.gone if path in expected.listed]
    story.check(
        result.counts.failed == len(gone) + len(expected.disallowed),
        f"{len(codes)} failed, by name; a page that fails never fails the run",
        codes,
    )
    for path in gone:
        story.check(
            codes.get(path) == "http_410" and corpus.statuses(path) == [410],
            f"{path} is gone (410), though the sitemap still lists it",
            codes.get(path),
        )
    for path in expected.disallowed:
        story.check(
            codes.get(path) == "robots_disallowed" and not corpus.statuses(path),
            f"{path} is forbidden by robots.txt: the site never saw a request for it",
            codes.get(path),
        )


def _explain_retry(scene: Scene, corpus: Corpus) -> None:
    path = scene.site.expectations.fails_first
    scene.story.check(
        corpus.statuses(path) == [503, 200] and path in corpus.paths,
        f"{path} failed first (503), was tried again a second later (200), and is in",
        corpus.statuses(path),
    )


def _explain_duplicates(scene: Scene, corpus: Corpus) -> None:
    expected = scene.site.expectations
    for one, other in expected.exact_duplicates:
        scene.story.check(
            corpus.hashes.get(one) == corpus.hashes.get(other, ""),
            f"{other} has exactly the text of {one}: one index entry, shown as one result",
        )
    for one, other in expected.near_duplicates:
        scene.story.check(
            corpus.hashes.get(one) != corpus.hashes.get(other, "")
            and other in corpus.together.get(one, ()),
            f"{other} is nearly the text of {one}: one cluster, shown as one result; "
            "both texts stay searchable",
            corpus.together.get(one, "no cluster"),
        )


async def _search(scene: Scene) -> None:
    story = scene.story
    story.command("atlas search QUERY")
    wrong = {}
    for query, path in QUERIES:
        page = await scene.atlas.search(query, limit=1)
        hit = page.results[0] if page.results else None
        story.hit(query, hit)
        if query in _REMARKS:
            story.say(f"  {_REMARKS[query]}")
        if hit is None or scene.path(hit.url) != path:
            wrong[query] = hit and hit.url
    story.check(not wrong, f"each of the {len(QUERIES)} queries has the right page first", wrong)
    await _find_each(scene)


async def _find_each(scene: Scene) -> None:
    """Search for a sentence of each page: the page is there, or its very text at another URL."""
    corpus, sentences = await look(scene.atlas, scene.site), scene.site.expectations.sentences
    lost = []
    for path, sentence in sentences.items():
        page = await scene.atlas.search(sentence, limit=3)
        shown = {scene.path(url) for hit in page.results for url in (hit.url, *hit.similar)}
        if not shown & corpus.same_text(path):
            lost.append(path)
    scene.story.check(
        not lost, f"each of the {len(sentences)} pages is found by a sentence of its own", lost
    )


async def _explain_second(
    scene: Scene, result: SyncResult, before: Expectations, mark: int
) -> None:
    story, after, counts = scene.story, scene.site.expectations, result.counts
    added = set(after.pages) - set(before.pages)
    removed = set(before.pages) - set(after.pages)
    updated = set(second_edition(first_edition())) - added
    unchanged = set(after.pages) - added - updated
    corpus = await look(scene.atlas, scene.site, since=mark)
    story.check(
        (counts.added, counts.updated) == (len(added), len(updated)),
        f"{len(added)} added ({', '.join(sorted(added))}), "
        f"{len(updated)} updated ({', '.join(sorted(updated))})",
        counts,
    )
    fresh = {
        path: corpus.statuses(path)
        for path in sorted(unchanged)
        if set(corpus.statuses(path)) != {304}
    }
    story.check(
        counts.unchanged == len(unchanged) and not fresh,
        f"{len(unchanged)} unchanged: each answered 304 Not Modified to the validators Atlas "
        "had stored, so no text of theirs was downloaded or stored again",
        fresh or counts.unchanged,
    )
    for path in sorted(removed):
        story.check(
            path in corpus.paths and not corpus.statuses(path),
            f"{path} is listed no more, and kept: a listing may err, so a careful source lets go "
            "of a page after three complete listings without it, or when it is asked and gone",
            corpus.statuses(path),
        )


async def _search_again(scene: Scene) -> None:
    story = scene.story
    for path, query in (_NEW, _ADDED):
        page = await scene.atlas.search(query, limit=1)
        hit = page.results[0] if page.results else None
        story.hit(query, hit)
        found = hit and scene.path(hit.url)
        story.check(found == path, f"the new text of {path} is found", found)
    path, query = _OLD
    page = await scene.atlas.search(query)
    story.hit(query, page.results[0] if page.results else None)
    story.check(not page.results, f"the old text of {path} is found no more")
    document = await scene.atlas.document(scene.site.address(path))
    story.command(f"atlas docs show {scene.site.address(path)}")
    for version in document.versions:
        until = f"to {version.valid_to:%H:%M:%S}Z" if version.valid_to else "and is live"
        story.row(f"version {version.version}", f"from {version.valid_from:%H:%M:%S}Z {until}")
    story.check(len(document.versions) == 2, "both versions are on record", document.versions)
