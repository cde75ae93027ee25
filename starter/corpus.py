"""The corpus from Python: `atlas.corpus.search("lighthouse")`, `documents`, `document`, `reports`;
nothing here starts a run."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from atlas.domain.urls import InvalidUrl, canonicalize
from atlas.stores.postgres.crawl.documents import CurrentDocument
from starter.connection import Parts
from starter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from atlas.contracts.weekly_report import Form
    from atlas.stores.postgres.crawl.artifacts import Artifact
    from atlas.stores.postgres.crawl.quarantine import Quarantined
    from atlas.stores.postgres.index.generations import GenerationStatus
    from atlas.stores.postgres.index.search import SearchPage
    from atlas.stores.postgres.services.catalogue import DocumentVersion, LastFetch, ListedDocument
    from atlas.stores.postgres.settlement.held_bodies import HeldBody


@dataclass(frozen=True, slots=True)
class Document:
    """A live document, and every text its page had, the latest first."""

    current: CurrentDocument = field(metadata={"json": ""})
    versions: list[DocumentVersion]
    """Every text the page had, the latest first."""


@dataclass(frozen=True, slots=True)
class KeptReport:
    """The report of one week."""

    week: str
    made_at: datetime
    """When its newest form was made."""
    hashes: dict[str, str]
    """Form (`json`, `md`, `html`) → SHA-256: its name in the blob store."""


class Corpus:
    """Search, documents, index and reports of one Atlas."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def search(
        self,
        query: str,
        *,
        limit: int = 10,
        offset: int = 0,
        source: str | None = None,
        lang: str | None = None,
    ) -> SearchPage:
        """The documents that match any word of the query, best first; quoted phrases must occur.

        `lang` is a code such as "de"; `unknown_language` of the answer counts matching pages whose
        language could not be detected. Raises `InvalidRequest` for a query or page too long.
        """
        from atlas.stores.postgres.index.search import search

        try:
            async with self._parts.database() as connection:
                return await search(
                    connection, query, limit=limit, offset=offset, source=source, lang=lang
                )
        except ValueError as error:
            raise InvalidRequest(str(error)) from None

    async def index_generations(self) -> list[GenerationStatus]:
        """The builds of the search index, newest first: in use, under way, or kept for a rollback.
        `start("rebuild_index")` builds one."""
        from atlas.stores.postgres.index.generations import listing

        async with self._parts.database() as connection:
            return await listing(connection)

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

    async def document(self, url: str) -> Document:
        """The live document of a URL with its text. Raises `NotFound`, `InvalidRequest`."""
        from atlas.stores.postgres.crawl import documents
        from atlas.stores.postgres.services import catalogue

        url = canonical_url(url)
        async with self._parts.database() as connection:
            try:
                current = await documents.current(connection, url)
            except documents.UnknownDocument as error:
                last = await catalogue.last_fetch(connection, url)
                raise NotFound(f"{error}{_last_said(last)}") from None
            return Document(current, await catalogue.versions(connection, url))

    async def quarantined(
        self, *, source: str | None = None, limit: int | None = None
    ) -> list[Quarantined]:
        """Documents whose body failed extraction too often and is no longer tried, by URL.

        `start("process_document", url=…, force=True)` tries one again.
        """
        from atlas.domain.texts import EXTRACTOR_VERSION
        from atlas.stores.postgres.crawl import quarantine

        async with self._parts.database() as connection:
            return await quarantine.listed(
                connection, extractor=EXTRACTOR_VERSION, source=source, limit=limit
            )

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

    # Reports

    async def reports(self) -> list[KeptReport]:
        """The weekly reports that are kept, the latest week first."""
        from atlas.stores.postgres.crawl import artifacts

        async with self._parts.database() as connection:
            found = await artifacts.listed(connection, artifacts.REPORT)
        by_week: dict[str, list[Artifact]] = {}
        for artifact in found:
            by_week.setdefault(artifact.name.partition(".")[0], []).append(artifact)
        return [
            KeptReport(
                week,
                max(form.created_at for form in forms),
                {form.name.partition(".")[2]: form.hash for form in forms},
            )
            for week, forms in sorted(by_week.items(), reverse=True)
        ]

    async def report(self, week: str | None = None, form: Form = "json") -> str:
        """A week's report as it was kept, by default the latest; `form` is json, md or html.

        `start("weekly_report", week=…)` makes one. Raises `NotFound`, `InvalidRequest`, `Refused`.
        """
        if not week:
            kept = await self.reports()
            if not kept:
                raise NotFound("no report is kept yet; `atlas report make` makes one")
            week = kept[0].week
        digest = await self._report_hash(week, form)
        async with self._parts.blobs() as blobs:
            return (await blobs.get(digest)).decode()

    async def _report_hash(self, week: str, form: Form) -> str:
        from atlas.domain.weeks import Week
        from atlas.stores.postgres.crawl import artifacts

        try:
            name = f"{Week.parse(week)}.{form}"
        except ValueError as error:
            raise InvalidRequest(
                f"week: {week!r} is no ISO week: {error}; give one such as 2026-W47"
            ) from None
        async with self._parts.database() as connection:
            found = await artifacts.find(connection, artifacts.REPORT, name)
        if found is None:
            raise NotFound(
                f"no report of week {week} is kept; `atlas report make {week}` makes it, "
                "`atlas report list` shows those there are"
            )
        return found.hash


def canonical_url(url: str, field: str = "url") -> str:
    """The canonical form of a URL, or `InvalidRequest` that names the field."""
    try:
        return canonicalize(url)
    except InvalidUrl as error:
        raise InvalidRequest(f"{field}: {error}") from None


def _last_said(last: LastFetch | None) -> str:
    if last is None:
        return ""
    said = last.error_code or last.status
    return f"; the last request, {last.fetched_at:%Y-%m-%d %H:%M}Z, ended with {said}"
