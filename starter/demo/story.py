"""The demo: a sync, a search, a change and another sync, each step with its checks.

`LanternHarbour` uses our own site, where everything that happens was planted; `RealSite` any other.
`Story` prints the steps and counts the checks.
"""

from __future__ import annotations

import asyncio
import re
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.demo.editions import edition
from atlas.demo.site import DemoSite, Expectations
from atlas.embedded.stack_status import inspect
from atlas.embedded.temporal_access import TemporalAccess
from starter.cli.commands.sync import described
from starter.cli.framework.output import bold, one_line, raw
from starter.cli.framework.progress import Display
from starter.client import AtlasClient

if TYPE_CHECKING:
    from atlas.contracts.sync_pipeline import SyncResult
    from atlas.stores.postgres.index.search import SearchPage
    from atlas.stores.postgres.services.catalogue import ListedDocument
    from starter.runs.handles import SyncHandle

_WIDTH = 98
_INDENT = "   "
_PARTS = {
    "postgres": "stores the corpus and its index",
    "temporal": "carries every run",
    "worker": "does the work: polls the task queues atlas and atlas-processing",
}
_DONE = ("completed", "completed_with_failures")
_WORD = re.compile(r"\w{3,}")

# A query, the page that must come first, and what is special about it.
QUERIES = (
    ("ferry to Saltmarsh every two hours", "/harbour/ferries", ""),
    ("灯塔", "/zh/lighthouse", ""),
    ("提灯夜行", "/zh-hant/lamp-walk", "Asked in simplified characters, written in traditional."),
    ("霧の日", "/ja/fog", ""),
    ("뗏목", "/ko/raft", ""),
    ("dunkles Brot, Sauerteig", "/de/schwarzbrot", ""),
    ("маяка", "/ru/mayak", "An inflected form: it finds маяк as well."),
    ("seal printed as a rock", "/harbour/chart-notes.pdf", "Found in the text of a PDF."),
    ("gulls on the ninth step", "/harbour/tides", ""),
    ("mussels bacon chowder", "/kitchen/chowder", ""),
)


@dataclass
class Story:
    """Prints the steps and checks on stdout."""

    broken: list[str] = field(default_factory=list)
    """The checks that failed."""
    ended: bool = False
    """Whether the verdict has been given."""
    _passed: int = 0
    _step: int = 0
    _links: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def title(self, text: str) -> None:
        """The first line."""
        raw(bold(text))

    def step(self, text: str) -> None:
        """Begin the next step; shows the seconds since the start."""
        self._step += 1
        took = f"{time.monotonic() - self._began:5.1f} s"
        raw("\n" + bold(f"{self._step}  {text:<{_WIDTH - 11}}{took}"))

    def say(self, text: str, bullet: str = "") -> None:
        """A paragraph, wrapped."""
        lines = textwrap.wrap(
            one_line(text),
            _WIDTH,
            initial_indent=_INDENT + bullet,
            subsequent_indent=_INDENT + " " * len(bullet),
            break_long_words=False,  # URLs stay whole
            break_on_hyphens=False,
        )
        for line in lines:
            raw(line)

    def row(self, name: str, text: str) -> None:
        """A name and its value; not wrapped."""
        raw(f"{_INDENT}{name:<12} {one_line(text)}")

    def command(self, text: str) -> None:
        """The command that does the same."""
        raw(f"{_INDENT}$ {one_line(text)}")

    def check(self, holds: bool, text: str, found: object = None) -> None:
        """A statement, and whether it holds; if not, what was found instead."""
        if holds:
            self._passed += 1
            self.say(text, "✓ ")
        else:
            self.broken.append(text)
            self.say(text if found is None else f"{text} BUT FOUND: {found}", "✗ ")

    async def stack(self, home: Path, said: list[str]) -> None:
        """The parts of the stack that runs in `home`, and ports that were in use."""
        found = await inspect(home)
        for part in found.parts:
            memory = (part.memory_bytes or 0) / 2**20
            self.row(part.name, f"pid {part.pid}, {memory:.0f} MiB; {_PARTS[part.name]}")
        self.row("Web UI", found.ui_url or "none")
        password = TemporalAccess(home / "temporal").password_file
        if password.is_file():
            self.row("its login", f"user atlas, password in {password}")
        self.row("home", f"{home} holds all state")
        self.row("memory", f"{found.memory_bytes / 2**20:.0f} MiB in all, shared pages once")
        for line in said:
            if line.startswith("port "):
                self.say(f"{line}.")
        self.check(found.ready, "PostgreSQL, Temporal and a worker run and answer", found.parts)

    async def sync(self, atlas: AtlasClient, name: str) -> SyncResult:
        """Sync a source to its end, with its progress on stderr; shows the counts as a sum."""
        self.command(f"atlas sync {name} --wait")
        run = await atlas.sync(name)
        self.row("Web UI", run.ui_url or "none")
        self._links += [run.ui_url] if run.ui_url else []
        result = await _watched(run)
        counts = result.counts.model_dump()
        seen = counts.pop("seen")
        parts = " + ".join(f"{number} {name}" for name, number in counts.items())
        raw(bold(f"{_INDENT}{seen} seen = {parts}") + f"   ({result.outcome})")
        return result

    async def search(self, atlas: AtlasClient, query: str, limit: int = 1) -> SearchPage:
        """The best results for a query, the first of them shown."""
        page = await atlas.search(query, limit=limit)
        if not page.results:
            raw(f"{_INDENT}{one_line(query)} → nothing")
            return page
        best = page.results[0]
        more = f" [{best.lang}]" if best.lang else ""
        more += f" (+ {best.copies} with the same text)" if best.copies else ""
        more += f" (+ {best.similar_count} similar)" if best.similar_count else ""
        raw(f"{_INDENT}{bold(one_line(query))} → {one_line(best.title)}{more}")
        self.say(best.url, "  ")
        self.say(best.snippet, "  ")
        return page

    def end(self) -> None:
        """The links to the runs, and the verdict."""
        self.step("See it in the Web UI")
        for number, link in enumerate(self._links, 1):
            self.row(f"sync {number}", link)
        self.ended = True
        if self.broken:
            of = self._passed + len(self.broken)
            raw("\n" + bold(f"{_INDENT}{len(self.broken)} of {of} checks do not hold:"))
            for text in self.broken:
                self.say(text, "✗ ")
        else:
            took = f"{time.monotonic() - self._began:.1f} s"
            raw("\n" + bold(f"{_INDENT}All {self._passed} checks hold ({took})."))


async def _watched(run: SyncHandle) -> SyncResult:
    display = Display(described)
    watching = asyncio.create_task(display.follow(run))
    try:
        return await run.result(display.note)
    finally:
        watching.cancel()
        display.close()


@dataclass(frozen=True)
class LanternHarbour:
    """The demo with our own site: what was planted, and that Atlas copes with it."""

    story: Story
    atlas: AtlasClient
    site: DemoSite

    async def run(self) -> None:
        """From declaring the source to searching after the second sync."""
        await self._declare()
        self.story.step("Sync it: fetch, extract, recognise duplicates, index")
        await self._explain_first(await self.story.sync(self.atlas, "harbour"))
        self.story.step("Search")
        await self._search()
        self.story.step("The site changes")
        before = self.site.expectations
        for change in self.site.change():
            self.story.say(change)
        self.site.requests.clear()  # only those of the second sync are judged
        self.story.step("Sync again: only what changed is downloaded and stored")
        await self._explain_second(await self.story.sync(self.atlas, "harbour"), before)
        self.story.step("Search again: the new text is found, the old one is not")
        await self._search_again()

    async def _declare(self) -> None:
        story, url, expected = self.story, self.site.url, self.site.expectations
        story.step("Declare the site as a source")
        story.say(
            f"Lantern Harbour is served at {url}: {len(expected.pages)} pages in "
            f"{len(expected.languages)} languages."
        )
        story.command(f"atlas sources add harbour {url} --delay 0.02 --parallel 4")
        added = await self.atlas.sources.add("harbour", url, delay=0.02, parallel=4)
        story.say(f"{added.evidence}.")
        kind = added.spec.kind
        story.check(kind == "sitemap", "Atlas found the site's sitemap by itself", kind)

    async def _explain_first(self, result: SyncResult) -> None:
        check, planted, counts = self.story.check, self.site.expectations, result.counts
        listed, pages, answers = planted.listed, planted.pages, self.site.statuses
        texts = await self._texts()
        check(counts.seen == len(listed), f"{len(listed)} seen: the whole sitemap", counts.seen)
        added = counts.added == len(pages) and set(texts) == set(pages)
        check(added, f"{len(pages)} added: every page that a crawler may read", counts.added)
        moved = [path for path in listed if path in planted.redirects]
        skipped = counts.skipped == len(moved) and answers(moved[0]) == [301]
        to = f"{moved[0]} redirects (301) to {planted.redirects[moved[0]]}, which is listed itself"
        check(skipped, f"{len(moved)} skipped: {to}", counts.skipped)
        await self._explain_failures(result)
        path = planted.fails_first
        retried = answers(path) == [503, 200] and path in texts
        check(retried, f"{path} failed (503); retried after a second, it came (200)", answers(path))
        for one, other in planted.exact_duplicates:
            same = texts.get(one) == texts.get(other, "")
            check(same, f"{other} has exactly the text of {one}: indexed once, shown as one result")
        for one, other in planted.near_duplicates:
            shown = await self._shown(planted.sentences[one], limit=1)
            near = texts.get(one) != texts.get(other, "") and {one, other} <= shown
            check(near, f"{other} is a near-duplicate of {one}: shown as one result", shown)

    async def _explain_failures(self, result: SyncResult) -> None:
        check, planted, answers = self.story.check, self.site.expectations, self.site.statuses
        codes = {self._path(failure.url): failure.code for failure in result.failures}
        gone = [path for path in planted.gone if path in planted.listed]
        failed = result.counts.failed == len(gone) + len(planted.disallowed)
        check(failed, f"{len(codes)} failed, each with its reason; the run completes", codes)
        for path in gone:
            code = codes.get(path)
            held = code == "http_410" and answers(path) == [410]
            check(held, f"{path} is gone (410), though the sitemap still lists it", code)
        for path in planted.disallowed:
            code = codes.get(path)
            held = code == "robots_disallowed" and not answers(path)
            check(held, f"{path} is disallowed by robots.txt: Atlas sent no request for it", code)

    async def _search(self) -> None:
        self.story.command("atlas search QUERY")
        wrong = {}
        for query, path, remark in QUERIES:
            found = self._paths(await self.story.search(self.atlas, query))
            self.story.say(remark, "  ")
            if found != [path]:
                wrong[query] = found
        self.story.check(not wrong, f"all {len(QUERIES)} queries have the right page first", wrong)
        # A page is found when it is shown itself or as another page with the very same text.
        texts, sentences, lost = await self._texts(), self.site.expectations.sentences, []
        for path, sentence in sentences.items():
            shown = await self._shown(sentence, limit=3)
            if not any(path in texts and texts.get(other) == texts[path] for other in shown):
                lost.append(path)
        each = f"each of the {len(sentences)} pages is found by a sentence of its own"
        self.story.check(not lost, each, lost)

    async def _explain_second(self, result: SyncResult, before: Expectations) -> None:
        check, counts, answers = self.story.check, result.counts, self.site.statuses
        old, new = set(before.pages), set(self.site.expectations.pages)
        added = sorted(new - old)
        updated = sorted(set(edition("second")) - set(added))
        unchanged = sorted(new.difference(added, updated))
        changes = f"{len(added)} added ({', '.join(added)}), "
        changes += f"{len(updated)} updated ({', '.join(updated)})"
        check((counts.added, counts.updated) == (len(added), len(updated)), changes, counts)
        downloaded = {path: answers(path) for path in unchanged if set(answers(path)) != {304}}
        check(
            counts.unchanged == len(unchanged) and not downloaded,
            f"{len(unchanged)} unchanged: Atlas sent the validators it had stored, and each was "
            "answered 304 Not Modified, so no text was downloaded or stored again",
            downloaded or counts.unchanged,
        )
        texts = await self._texts()
        for path in sorted(old - new):
            check(
                path in texts and not answers(path),
                f"{path} is no longer listed, but kept: a listing may be wrong, so a page leaves "
                "only after three complete listings without it, or when its site says it is gone",
                answers(path),
            )

    async def _search_again(self) -> None:
        story, changed = self.story, "/harbour/ferries"
        for path, query in (
            (changed, '"every hour from six in the morning"'),
            ("/news/regatta", "regatta borrowed boats"),
        ):
            found = self._paths(await story.search(self.atlas, query))
            story.check(found == [path], f"the new text of {path} is found", found)
        old = await story.search(self.atlas, '"every two hours from seven in the morning"')
        story.check(not old.results, f"the old text of {changed} is no longer found")
        story.command(f"atlas docs show {self.site.address(changed)}")
        versions = (await self.atlas.document(self.site.address(changed))).versions
        for version in versions:
            until = f"to {version.valid_to:%H:%M:%S}Z" if version.valid_to else "until now"
            story.row(f"version {version.version}", f"from {version.valid_from:%H:%M:%S}Z {until}")
        story.check(len(versions) == 2, "both versions are on record", versions)

    async def _texts(self) -> dict[str, str]:
        """The hash of each live document's text, by path."""
        return {self._path(found.url): found.text_hash async for found in self.atlas.documents()}

    async def _shown(self, query: str, limit: int) -> set[str]:
        """The paths that the first results stand for."""
        page = await self.atlas.search(query, limit=limit)
        return {self._path(url) for hit in page.results for url in (hit.url, *hit.similar)}

    def _paths(self, page: SearchPage) -> list[str]:
        return [self._path(hit.url) for hit in page.results]

    def _path(self, url: str) -> str:
        return "/" + url.removeprefix(self.site.url)


@dataclass(frozen=True)
class RealSite:
    """The demo with somebody else's site: sync, search, sync again."""

    story: Story
    atlas: AtlasClient
    url: str
    max_pages: int
    delay: float

    async def run(self) -> None:
        """From declaring the source to the second sync."""
        story, pages, delay = self.story, self.max_pages, self.delay
        story.step("Declare the site as a source")
        options = f"--max-pages {pages}" + (f" --delay {delay:g}" if delay != 1 else "")
        story.command(f"atlas sources add site {self.url} {options}")
        added = await self.atlas.sources.add("site", self.url, max_pages=pages, delay=delay)
        story.say(f"Kind {added.spec.kind}: {added.evidence or 'as given'}.")
        if added.warning:
            story.say(f"Warning: {added.warning}")
        story.step("Sync it: find its pages, fetch, extract, recognise duplicates, index")
        if delay * pages > 30:
            minutes = f"up to {delay * pages / 60:.1f} min"
            story.say(f"With {delay:g} s between requests, {pages} pages take {minutes}.")
        first = await self._sync()
        story.check(first.counts.added > 0, "pages were added to the corpus", first.message)
        story.step("Search")
        await self._search()
        story.step("Sync again: nothing is downloaded or stored twice")
        second = await self._sync()
        story.say(
            f"The first sync received {first.bytes / 1024:,.0f} KiB, this one "
            f"{second.bytes / 1024:,.0f} KiB. A page that the site answers with 304 Not Modified "
            "comes without a body; a body with the same text counts as unchanged as well."
        )

    async def _sync(self) -> SyncResult:
        story, result = self.story, await self.story.sync(self.atlas, "site")
        for failure in result.failures[:5]:
            story.say(f"failed: {failure.url} ({failure.code}: {failure.message})")
        if result.counts.failed > 5:
            story.say(f"and {result.counts.failed - 5} more; see `atlas runs show {result.run_id}`")
        done = result.outcome in _DONE
        story.check(done, "the run completed", result.message or result.outcome)
        return result

    async def _search(self) -> None:
        document = await self._titled()
        if document is None:
            self.story.check(False, "a page has a title of two words or more to search for")
            return
        query = " ".join(_WORD.findall(document.title)[:6])
        self.story.command(f"atlas search '{query}'")
        page = await self.story.search(self.atlas, query, limit=10)
        shown = {url for hit in page.results for url in (hit.url, *hit.similar)}
        # A title that many pages share may push ours further down; something must be found.
        self.story.check(
            document.url in shown or page.total >= 10,
            f"words of the title of {document.url} find it, or ten others that match better",
            f"{page.total} results",
        )

    async def _titled(self) -> ListedDocument | None:
        """The document with the longest title among the first: the most specific query."""
        found = [
            d async for d in self.atlas.documents(limit=200) if len(_WORD.findall(d.title)) > 1
        ]
        return max(found, key=lambda document: len(document.title), default=None)
