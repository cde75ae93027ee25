"""Web archives taken over: `await atlas.import_archive("crawl.warc.gz", source="old-site")`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from atlas.domain.archive_records import ArchiveProblem, ArchiveRefused
from starter.archive_files import ArchiveFiles, Tell, archive_files
from starter.connection import Parts
from starter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from atlas.contracts.jobs import Trigger
    from atlas.contracts.push_documents import PushResult
    from atlas.stores.blobs import Blobs
    from starter.archive_plan import ArchivedDocument, ArchivePlan
    from starter.runs.handles import JobHandle

_ASKED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class ImportedArchive:
    """What became of an archive."""

    archive: str
    """The file, folder or prefix, as it was named."""
    source: str
    """The source of kind `push` that has the documents now."""
    records: int
    """Readable records of the files."""
    documents: int
    """Addresses with a body that Atlas reads, each counted once."""
    added: int
    updated: int
    unchanged: int
    superseded: int
    """Documents for which something newer was put meanwhile."""
    failed: int
    """Documents that could not be processed, or that the source refuses."""
    unreadable: int
    """Records that are malformed, damaged, incomplete or too large, or repeat one that is not in
    the archive; and files that are no archives."""
    passed_over: dict[str, int]
    """Records that are no document to take over, by reason."""
    problems: tuple[ArchiveProblem, ...]
    """The first of what failed or is unreadable."""
    runs: tuple[str, ...]
    """The runs of `push_documents` that took the documents over, by run id."""
    archives: int = 1
    """Files that were read."""


class Archives:
    """Archives of one Atlas."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def import_archive(
        self,
        archive: str | Path,
        *,
        source: str,
        trigger: Trigger = "client",
        tell: Tell | None = None,
    ) -> ImportedArchive:
        """Put the documents of a WARC file, plain or gzipped, into a source of kind `push`, and
        wait until they can be found. `archive` is a file here or `s3://bucket/key`; or a folder or
        `s3://bucket/prefix/` with any number of files that end in `.warc` or `.warc.gz`. `tell`
        gets a line about each step.

        Of several captures of an address the latest is taken, in whichever file it is. An import
        that was interrupted can be repeated: what is there already is unchanged. Raises
        `InvalidRequest` for what is no archive and for a source that takes none, `NotFound`,
        `CannotConnect`.
        """
        from atlas.locations import s3_access

        tell = tell or (lambda line: None)
        await self._expect_source(source)
        async with archive_files(str(archive), s3_access(self._parts.settings), tell) as files:
            plan = await _planned(files)
            found = plan.documents
            tell(f"{plan.records} records with {found} documents")
            left_out = await self._leave_out(plan, source)
            taking = _Taking(self._parts, source, trigger, plan, tell)
            await taking.take(files)
        return taking.result(str(archive), len(files.names), found, left_out)

    async def _expect_source(self, name: str) -> None:
        from atlas.stores.postgres.sources import sources

        async with self._parts.database() as connection:
            declared = {each.spec.name: each.spec for each in await sources.every(connection)}
        fix = "`atlas sources add NAME URL --kind push` declares one for the addresses below a URL"
        if name not in declared:
            raise NotFound(f"no source '{name}'; {fix}")
        if declared[name].kind != "push":
            raise InvalidRequest(
                f"source: '{name}' is of kind {declared[name].kind}, which Atlas collects itself; "
                f"{fix}"
            )

    async def _leave_out(self, plan: ArchivePlan, source: str) -> int:
        """Drop the documents that the source refuses from the plan; how many. A run takes all of
        its documents or none."""
        from atlas.stores.postgres.services.pushes import refusals

        urls = [each.url for documents in plan.bodies.values() for each in documents]
        why: dict[str, str] = {}
        async with self._parts.database() as connection:
            for start in range(0, len(urls), _ASKED_AT_ONCE):
                part = urls[start : start + _ASKED_AT_ONCE]
                why |= await refusals(connection, part, source)
        for place, documents in list(plan.bodies.items()):
            for each in documents:
                if each.url in why:
                    plan.remember(
                        ArchiveProblem(each.offset, why[each.url], each.url, each.archive)
                    )
            plan.bodies[place] = [each for each in documents if each.url not in why]
            if not plan.bodies[place]:
                del plan.bodies[place]
        return len(why)


async def _planned(files: ArchiveFiles) -> ArchivePlan:
    """What is in the files. One of several that is no archive is a problem of its own."""
    from starter.archive_plan import ArchivePlanner, ImportTooLarge  # their decoders: not for all

    planner = ArchivePlanner()
    for name in files.names:
        async with files.opened(name) as file:
            try:
                await asyncio.to_thread(planner.read, file, name)
            except ArchiveRefused as refused:
                if len(files.names) == 1 or isinstance(refused, ImportTooLarge):
                    raise InvalidRequest(f"archive: {name}: {refused}") from None
                planner.plan.note(ArchiveProblem(0, str(refused), archive=name))
    return planner.planned()


class _Taking:
    """Stores the bodies, and starts one run after the other: while one works, the bodies of the
    next are stored."""

    def __init__(
        self, parts: Parts, source: str, trigger: Trigger, plan: ArchivePlan, tell: Tell
    ) -> None:
        self._parts, self._source, self._trigger = parts, source, trigger
        self._plan, self._tell = plan, tell
        self._waiting: list[tuple[ArchivedDocument, str]] = []
        self._under_way: tuple[JobHandle[PushResult], dict[str, ArchivedDocument]] | None = None
        self._counts = {"added": 0, "updated": 0, "unchanged": 0, "failed": 0, "skipped": 0}
        self._runs: list[str] = []

    async def take(self, files: ArchiveFiles) -> None:
        wanted = {number for number, _ in self._plan.bodies}
        async with self._parts.blobs() as blobs:
            for number, name in enumerate(files.names):
                if number in wanted:
                    async with files.opened(name) as file:
                        await self._take_bodies(file, number, blobs)
        if self._waiting:
            await self._start()
        await self._finish()

    async def _take_bodies(self, file: BinaryIO, number: int, blobs: Blobs) -> None:
        from atlas.contracts.push_documents import MAX_PUSHED
        from starter.archive_plan import planned_bodies

        most = self._parts.settings.fetch.fetch_max_bytes
        bodies = planned_bodies(file, self._plan, most, number)
        while (found := await asyncio.to_thread(_next, bodies)) is not None:
            body, documents = found
            digest = await self._store(blobs, body)
            for each in documents:
                self._waiting.append((each, digest))
                if len(self._waiting) == MAX_PUSHED:
                    await self._start()

    async def _store(self, blobs: Blobs, body: bytes) -> str:
        from atlas.stores.postgres.crawl.bodies import blob_index

        digest = hashlib.sha256(body).hexdigest()
        async with self._parts.database() as connection:
            # First, so that a clean-up that finds the body finds its row, too.
            await blob_index.announce(connection, digest, len(body), datetime.now(UTC))
        await blobs.put(body)
        return digest

    async def _start(self) -> None:
        from starter.pushed_documents import start_push

        await self._finish()
        taken, self._waiting = self._waiting, []
        fields: dict[str, Any] = {
            "documents": [_as_put(document, digest) for document, digest in taken],
            "source": self._source,
        }
        run = await start_push(self._parts, fields, self._trigger)
        self._runs.append(run.run_id)
        self._under_way = (run, {document.url: document for document, _ in taken})

    async def _finish(self) -> None:
        if self._under_way is None:
            return
        run, documents = self._under_way
        result = await run.result()
        self._under_way = None
        for name in self._counts:
            self._counts[name] += getattr(result.counts, name)
        for page in result.pages:
            if page.result == "failed":
                why = ": ".join(filter(None, (page.code, page.reason)))
                record = documents[page.url]
                self._plan.remember(ArchiveProblem(record.offset, why, page.url, record.archive))
        done = sum(self._counts.values())
        self._tell(f"{done} of {self._plan.documents} documents taken over")

    def result(self, archive: str, archives: int, documents: int, refused: int) -> ImportedArchive:
        plan, counts = self._plan, self._counts
        return ImportedArchive(
            archive=archive,
            source=self._source,
            records=plan.records,
            documents=documents,
            added=counts["added"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            superseded=counts["skipped"],
            failed=counts["failed"] + refused,
            unreadable=plan.unreadable,
            passed_over=dict(plan.passed_over.most_common()),
            problems=tuple(sorted(plan.problems, key=lambda each: (each.archive, each.offset))),
            runs=tuple(self._runs),
            archives=archives,
        )


def _next(
    bodies: Iterator[tuple[bytes, list[ArchivedDocument]]],
) -> tuple[bytes, list[ArchivedDocument]] | None:
    return next(bodies, None)


def _as_put(document: ArchivedDocument, digest: str) -> dict[str, Any]:
    return {
        "url": document.url,
        "snapshot": digest,
        "content_type": document.content_type,
        "modified": document.modified,
    }
