"""The corpus from Python: `atlas.corpus.search("lighthouse")`, `documents`, `document`, `chunks`,
`history`, `reports`; only `restore` starts a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from atlas.stores.postgres.crawl.pages.documents import CurrentDocument
from starter.connection import Parts
from starter.errors import InvalidRequest, NotFound, Refused
from starter.kept_reports import KeptReports
from starter.page_urls import canonical_url

if TYPE_CHECKING:
    from atlas.contracts.jobs import Trigger
    from atlas.contracts.restore_documents import RestoreResult
    from atlas.domain.chunking.chunk import DocumentChunk
    from atlas.stores.postgres.connection import Connection
    from atlas.stores.postgres.crawl.pages.page_versions import PageHistory
    from atlas.stores.postgres.crawl.pages.purged_urls import PurgedAddress
    from atlas.stores.postgres.crawl.pages.quarantine import Quarantined
    from atlas.stores.postgres.index.generations import GenerationStatus
    from atlas.stores.postgres.index.search import Hit, SearchPage
    from atlas.stores.postgres.services.catalogue import DocumentVersion, LastFetch, ListedDocument
    from atlas.stores.postgres.settlement.held_bodies import HeldBody
    from starter.changes import ChangeStream, TextForm
    from starter.document_diff import DocumentDiff
    from starter.explanation import Explanation
    from starter.runs.handles import JobHandle


@dataclass(frozen=True, slots=True)
class Document:
    """A live document, and every text its page had, the latest first."""

    current: CurrentDocument = field(metadata={"json": ""})
    versions: list[DocumentVersion]
    """Every text the page had, the latest first."""


class Corpus:
    """Search, documents, index and reports of one Atlas."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        kept = KeptReports(parts)
        self.reports = kept.reports
        self.report = kept.report

    async def search(
        self,
        query: str,
        *,
        limit: int = 10,
        offset: int = 0,
        source: str | None = None,
        lang: str | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        explain: bool = False,
        facets: Sequence[str] = (),
    ) -> SearchPage:
        """The documents that match any word of the query, best first; quoted phrases must occur.
        `as_of`: those that were live at that moment, with the texts they had then. `after` is the
        `next` of the page before: unlike an `offset`, it neither repeats nor leaves out what stays
        in the corpus. `explain` gives the score of each result term by term, and `left_out`;
        `facets` counts the documents that match by "source", "lang", "host" or "year".

        `lang` is a code such as "de"; `unknown_language` of the answer counts matching pages whose
        language could not be detected. Raises `InvalidRequest` for a query or page too long,
        `NotFound` where nothing is found because no source has that name, and `InvalidRequest` for
        a moment of which the index keeps nothing (`ATLAS_SEARCH_PAST_DAYS`), and for a cursor of
        another search.
        """
        from atlas.stores.postgres.index.engine_search import search_corpus
        from atlas.stores.postgres.index.search import SearchRequest
        from atlas.stores.postgres.sources import sources
        from atlas.stores.search.port import QueryTooBroad, SearchIndexError

        index = self._parts.search_index()
        request = SearchRequest(
            query,
            limit=limit,
            offset=offset,
            source=source,
            lang=lang,
            as_of=_with_zone(as_of),
            after=after,
            explain=explain,
            facets=facets,
        )
        try:
            async with self._parts.database() as connection:
                page: SearchPage = await search_corpus(connection, index, request)
                if source is None or page.results:
                    return page
                if why := await sources.why_unknown(connection, [source]):
                    raise NotFound(why)
                return page
        except (ValueError, QueryTooBroad) as error:
            raise InvalidRequest(str(error)) from None
        except SearchIndexError as error:
            raise Refused(str(error)) from None

    async def search_all(
        self,
        query: str,
        *,
        source: str | None = None,
        lang: str | None = None,
        as_of: datetime | None = None,
        page: int = 100,
    ) -> AsyncGenerator[Hit]:
        """Every result of a search, best first, asked for a `page` at a time by its cursor: each
        document once, though the corpus changes meanwhile. Raises as `search`, and `InvalidRequest`
        where more than 10,000 match: narrow the query then, or leave the loop before."""
        after = None
        while True:
            found = await self.search(
                query,
                limit=page,
                source=source,
                lang=lang,
                as_of=as_of if after is None else None,
                after=after,
            )
            for hit in found.results:
                yield hit
            if (after := found.next) is None:
                return

    async def index_generations(self) -> list[GenerationStatus]:
        """The builds of the search index, newest first: in use, under way, or kept for a rollback.
        `start("rebuild_index")` builds one."""
        from atlas.stores.postgres.index.generations import listing

        async with self._parts.database() as connection:
            return await listing(connection, self._parts.search_index())

    async def follow_index(self) -> None:
        """Keep the search index in step with the corpus until this is cancelled, as workers do by
        themselves; of several processes one does."""
        from atlas.lease_holders import holder_name
        from atlas.stores.postgres.changes.change_signal import change_signal
        from atlas.stores.postgres.services import index_follower
        from atlas.stores.postgres.services.text_copier import analyse_aside

        index = self._parts.search_index()
        pool, url = await self._parts.pool(), self._parts.locations.require_database()
        name = holder_name()
        past = self._parts.settings.index_past_days
        follower = index_follower.IndexFollower(pool, index, analyse_aside, name, past)
        async with change_signal(url) as signal:
            await index_follower.keep_following(follower, signal)

    async def documents(
        self,
        *,
        source: str | None = None,
        lang: str | None = None,
        limit: int | None = None,
        unique: bool = False,
    ) -> AsyncGenerator[ListedDocument]:
        """Every live document by URL, without its text, streamed; `unique`: without those that
        `deduplicate_documents` marked as duplicates.

        Leave the loop early only inside `contextlib.aclosing`: the stream holds a connection.
        """
        from atlas.stores.postgres.services import catalogue

        async with (
            self._parts.database() as connection,
            aclosing(
                catalogue.listed_documents(
                    connection, source=source, lang=lang, limit=limit, unique=unique
                )
            ) as listed,
        ):
            async for found in listed:
                yield found

    async def unknown_language(self, *, source: str | None = None, unique: bool = False) -> int:
        """How many live documents `documents(lang=…)` leaves out because their language could not
        be detected."""
        from atlas.stores.postgres.services import catalogue

        async with self._parts.database() as connection:
            return await catalogue.unknown_language(connection, source=source, unique=unique)

    async def document(
        self, url: str, *, version: int | None = None, at: datetime | None = None
    ) -> Document:
        """The live document of a URL with its text; or what the page said in a `version`, or `at` a
        moment. Raises `NotFound`, `InvalidRequest`."""
        from atlas.stores.postgres.crawl.pages import documents
        from atlas.stores.postgres.services import catalogue

        url = canonical_url(url)
        async with self._parts.database() as connection:
            try:
                current = await _chosen(connection, url, version, at)
            except documents.UnknownDocument as error:
                last = await catalogue.last_fetch(connection, url)
                raise NotFound(f"{error}{_last_said(last)}") from None
            return Document(current, await catalogue.versions(connection, url))

    def changes(
        self,
        since: str = "start",
        *,
        follow: bool = False,
        source: str | None = None,
        content: TextForm | None = None,
        limit: int | None = None,
    ) -> ChangeStream:
        """What happened to the corpus, in commit order and without gaps: an async iterator, whose
        `cursor` says where to go on.

        `since` is the cursor of the last change that was read; "start" first gives what is live,
        each as an `added`, and then goes on; "now" gives what happens from now on. `follow` waits
        for more at the end, also while PostgreSQL does not answer. `content` is "text",
        "markdown" or "chunks". Raises `InvalidRequest` for a cursor of another database,
        `ExpiredCursor`, `NotFound` for a source that is not known.
        """
        from starter.changes import ChangeStream

        return ChangeStream(
            self._parts, since, follow=follow, source=source, content=content, limit=limit
        )

    async def chunks(
        self,
        url: str,
        *,
        size: int | None = None,
        version: int | None = None,
        at: datetime | None = None,
    ) -> list[DocumentChunk]:
        """The document of a URL in parts of its sections, in order: at most `size` characters of
        Markdown each (200 to 100,000; by default 1,500), code apart. Raises `NotFound`,
        `InvalidRequest`."""
        from atlas.domain.chunking.document_chunks import DEFAULT_CHUNK_SIZE, document_chunks

        found = (await self.document(url, version=version, at=at)).current
        try:
            return await asyncio.to_thread(  # a long one takes a second
                document_chunks,
                found.url,
                found.text,
                found.markdown,
                found.outline,
                DEFAULT_CHUNK_SIZE if size is None else size,
            )
        except ValueError as error:
            raise InvalidRequest(str(error)) from None

    async def explain(self, url: str) -> Explanation:
        """Why a page is, or is not, in the corpus as it is: the cause, who found or refused it,
        its requests and runs, when it is due. Nothing is fetched, and an address never met is
        explained, too. Raises `InvalidRequest`."""
        from starter.explanation import explain

        return await explain(self._parts, url)

    async def history(self, url: str) -> PageHistory:
        """Every text of a page that is kept, the latest first: when, by which run and why it had
        it; and what the page is now. Raises `NotFound`, `InvalidRequest`."""
        from atlas.stores.postgres.crawl.pages import documents, page_versions

        url = canonical_url(url)
        async with self._parts.database() as connection:
            try:
                return await page_versions.history(connection, url)
            except documents.UnknownDocument as error:
                raise NotFound(str(error)) from None

    async def diff(
        self, url: str, *, from_version: int | None = None, to_version: int | None = None
    ) -> DocumentDiff:
        """What changed between two versions of a page, in words: by default, between the one before
        and the latest. Raises `NotFound`, `InvalidRequest`."""
        from starter.document_diff import diff_of

        history = await self.history(url)
        numbers = history.compared(from_version, to_version)
        if numbers is None:
            raise NotFound(f"{history.url} has one version only: there is nothing to compare")
        old, new = [
            (await self.document(history.url, version=number)).current for number in numbers
        ]
        return await diff_of(old, new)

    async def restore(
        self,
        urls: Sequence[str] | None = None,
        *,
        run: str | None = None,
        source: str | None = None,
        since: datetime | None = None,
        version: int | None = None,
        dry_run: bool = False,
        trigger: Trigger = "client",
    ) -> JobHandle[RestoreResult]:
        """Start `restore_documents`: bring back, without fetching, what `urls` said before, what a
        `run` removed and replaced, or what a `source` said at the moment `since`.

        `version` names one version of one URL. A text that comes back is a new version after those
        the page had; `result()` names what could not be restored. Raises `InvalidRequest`,
        `NotFound` for a run or a source that is not known, `DifferentRequest`, `CannotConnect`.
        """
        from starter.runs.listing import recorded
        from starter.runs.start import checked, kind_named, start_type

        fields: dict[str, Any] = {
            "urls": None if urls is None else sorted({canonical_url(url) for url in urls}),
            "run": run,
            "source": source,
            "since": since,
            "version": version,
            "dry_run": dry_run,
        }
        kind = kind_named("restore_documents")
        checked(kind.request, fields)  # before the run is looked up: it may be one too many
        if run is not None:
            fields["run"] = (await recorded(self._parts, run, 0)).run.run_id
        if source is not None:
            await self._expect_source(source)
        return await start_type(self._parts, kind, fields, trigger)

    async def _expect_source(self, name: str) -> None:
        from atlas.stores.postgres.sources import sources

        async with self._parts.database() as connection:
            try:
                await sources.get(connection, name)
            except sources.UnknownSource as error:
                raise NotFound(str(error)) from None

    async def quarantined(
        self, *, source: str | None = None, limit: int | None = None
    ) -> list[Quarantined]:
        """Documents whose body failed extraction too often and is no longer tried, by URL.

        `start("process_document", url=…, force=True)` tries one again.
        """
        from atlas.domain.texts import EXTRACTOR_VERSION
        from atlas.stores.postgres.crawl.pages import quarantine

        async with self._parts.database() as connection:
            return await quarantine.listed(
                connection, extractor=EXTRACTOR_VERSION, source=source, limit=limit
            )

    # Erased addresses

    async def purged(self, *, limit: int | None = None) -> list[PurgedAddress]:
        """What is kept of erased addresses, the latest first: a hash, when, and a reason code."""
        from atlas.stores.postgres.crawl.pages import purged_urls

        async with self._parts.database() as connection:
            return await purged_urls.listed(connection, limit)

    async def allow_purged(self, *urls: str) -> list[str]:
        """Let erased addresses be collected again; return those that were kept away. Nothing of
        what was erased comes back by itself. Raises `InvalidRequest`."""
        from atlas.stores.postgres.crawl.pages import purged_urls

        wanted = [canonical_url(url) for url in urls]
        async with self._parts.database() as connection:
            allowed = await purged_urls.allow(connection, wanted)
        return [url for url in wanted if url in allowed]

    async def held(self, *, source: str | None = None, limit: int | None = None) -> list[HeldBody]:
        """Bodies that were held instead of replacing a page's text (a login, a human check, an
        error), by URL, without their texts.

        `start("process_document", url=…, accept=True)` makes one the page's text.
        """
        from atlas.stores.postgres.settlement import held_bodies

        async with self._parts.database() as connection:
            return await held_bodies.listed(connection, source=source, limit=limit)

    async def held_body(self, url: str) -> HeldBody:
        """What is held of a page, with its text. Raises `NotFound`, `InvalidRequest`."""
        from atlas.stores.postgres.settlement import held_bodies

        url = canonical_url(url)
        async with self._parts.database() as connection:
            found = await held_bodies.of_url(connection, url)
        if found is None:
            raise NotFound(f"no body is held of {url}; `atlas docs held` lists those there are")
        return found


def _with_zone(moment: datetime | None) -> datetime | None:
    """A moment without a time zone is one of this machine's."""
    return moment.astimezone() if moment is not None and moment.tzinfo is None else moment


async def _chosen(
    connection: Connection, url: str, version: int | None, at: datetime | None
) -> CurrentDocument:
    from atlas.stores.postgres.crawl.pages import documents

    if version is not None and at is not None:
        raise InvalidRequest("version, at: give one of them, not both")
    if version is not None:
        return await documents.numbered(connection, url, version)
    if at is not None:
        return await documents.at(connection, url, at)
    return await documents.current(connection, url)


def _last_said(last: LastFetch | None) -> str:
    if last is None:
        return ""
    said = last.error_code or last.status
    return f"; the last request, {last.fetched_at:%Y-%m-%d %H:%M}Z, ended with {said}"
