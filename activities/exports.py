"""Exports, one part at a time: a part is written as a draft, moved into place, then recorded. Every
step may be repeated: a part that was not recorded is written again, to the same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from atlas.contracts.export_corpus import (
    ChooseExport,
    ExportChosen,
    ExportFinished,
    ExportStep,
    FinishExport,
    ForgetExport,
    PartsWritten,
    name_ending,
)
from atlas.domain.blob import BlobCorrupt, BlobMissing, BlobStoreError
from atlas.domain.errors import ErrorClass
from atlas.domain.export_parts import (
    MANIFEST,
    FinishedPart,
    PartForm,
    PartRange,
    TargetRefused,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from atlas.domain.export_entry import ExportEntry
    from atlas.formats.export_formats import ExportFormats
    from atlas.formats.part_writer import PartWriter
    from atlas.stores.postgres.services.export_runs import ExportStore
    from atlas.stores.targets.export_target import ExportTarget

    OpenTarget = Callable[[str], AbstractAsyncContextManager[ExportTarget]]
    Cut = Callable[[ExportEntry, int], Awaitable[ExportEntry]]

WORKING_SECONDS = 20.0
"""An activity returns after this time, so that a pause takes effect and progress shows."""
_AT_ONCE = 50
"""Documents in memory at once: a text may be megabytes long."""
_BODIES = 256 * 1024
"""Bytes of bodies that are written in one go: a thread for each would take longer than they do."""


class Exporting:
    """Writes what a run has chosen. `ExportStore` keeps the choice and the progress; `open_target`
    and `formats` decide where and how it is written; `stored_body` reads a body by its SHA-256;
    `cut` cuts a document into chunks of a size, beside others."""

    def __init__(
        self,
        store: ExportStore,
        open_target: OpenTarget,
        formats: ExportFormats,
        stored_body: Callable[[str], Awaitable[bytes]],
        cut: Cut,
    ) -> None:
        self._store = store
        self._open_target = open_target
        self._formats = formats
        self._stored_body = stored_body
        self._cut = cut

    @activity.defn
    async def choose_export(self, request: ChooseExport) -> ExportChosen:
        """Claim the target for the run, and choose the documents as they are now."""
        if unknown := await self._store.why_unknown(request.only.sources):
            return ExportChosen(unknown=unknown)
        if missing := self._formats.why_missing(request.format):
            return ExportChosen(refused=missing)
        try:
            await self._claim(request)
        except TargetRefused as error:
            return ExportChosen(refused=str(error))
        except BlobStoreError as error:
            if error.error_class is not ErrorClass.BLOCKED:
                raise
            return ExportChosen(refused=f"to: {error}".replace("ATLAS_BLOBS", "the export"))
        frozen = await self._store.freeze(
            request.run_id, request.only, responses=request.format == "warc"
        )
        return ExportChosen(as_of=frozen.as_of, documents=frozen.documents)

    @activity.defn
    async def write_parts(self, request: ExportStep) -> PartsWritten:
        """Write the next parts, for about `WORKING_SECONDS`."""
        until = time.monotonic() + WORKING_SECONDS
        async with self._open_target(_place(request)) as target:
            await target.expect_claimed(request.run_id)
            while True:
                last = await self._store.last(request.run_id)
                after = last.range.last if last else 0
                part = await self._store.next_range(request.run_id, after, request.part_documents)
                if part is None:
                    break
                await self._write(request, target, last.number + 1 if last else 0, part)
                if time.monotonic() >= until or activity.is_worker_shutdown():
                    break
        written = await self._store.totals(request.run_id)
        return PartsWritten(documents=written["documents"], more=part is not None)

    @activity.defn
    async def finish_export(self, request: FinishExport) -> ExportFinished:
        """Write parts again that hold a page erased since, then the manifest or the one file."""
        async with self._open_target(_place(request)) as target:
            await target.expect_claimed(request.run_id)
            for part in await self._store.outdated(request.run_id):
                pages = await self._store.pages_in(request.run_id, part)
                again = PartRange(part.range.after, part.range.last, pages)
                await self._write(request, target, part.number, again)
            totals = await self._store.totals(request.run_id)
            if request.one_file:
                size = await self._join(request, target)
                return ExportFinished(**{**totals, "parts": 1, "bytes": size})
            await self._write_manifest(request, target, totals)
        return ExportFinished(**totals)

    @activity.defn
    async def forget_export(self, request: ForgetExport) -> None:
        """Remove what only the run needed; with `discard`, also what it wrote."""
        async with self._open_target(_place(request)) as target:
            if await target.claimed(request.run_id):
                await self._tidy(request, target)
            else:  # another run's, or an earlier attempt already released it
                await target.files.vanish()
        await self._store.forget(request.run_id)

    async def _tidy(self, request: ForgetExport, target: ExportTarget) -> None:
        if request.discard or request.one_file:
            async for part in self._parts(request.run_id):
                await self._remove(request, target, part.name)
            last = await self._store.last(request.run_id)
            # The part after it may have been put in place without being recorded.
            await self._remove(request, target, _part_name(request, last.number + 1 if last else 0))
        if request.discard:
            await target.files.delete([MANIFEST])
        await target.release()

    async def _claim(self, request: ChooseExport) -> None:
        if request.one_file and await asyncio.to_thread(Path(request.to).exists):
            raise TargetRefused(f"to: {request.to} exists; name a new file")
        async with self._open_target(_place(request)) as target:
            await target.claim(request.run_id)

    async def _remove(self, request: ExportStep, target: ExportTarget, name: str) -> None:
        await target.files.delete([*await self._members(request, target, name), name])

    async def _members(self, request: ExportStep, target: ExportTarget, name: str) -> list[str]:
        """The files that a part lists, in the format whose parts are lists."""
        if request.format != "markdown-folder":
            return []
        listed = (await target.files.read(name) or b"").decode()
        return [line.partition("  ")[2] for line in listed.splitlines()]

    # One part

    async def _write(
        self, request: ExportStep, target: ExportTarget, number: int, part: PartRange
    ) -> None:
        name = _part_name(request, number)
        async with target.files.drafts() as drafts:
            writer = self._formats.open_part(_form(request), drafts, name)
            try:
                documents = await self._fill(writer, request, part)
            finally:
                files = await asyncio.to_thread(writer.close)
            size, digest = await asyncio.to_thread(_measured, files[0][0])
            # Files of erased pages go first, while the old list still names them for a retry.
            before = await self._members(request, target, name)
            kept = {each for _, each in files}
            await target.files.delete([each for each in before if each not in kept])
            await target.files.keep(files)
        # Recorded only once it is in place: an attempt that dies in between writes it again.
        await self._store.note(
            request.run_id,
            FinishedPart(number, name, part, documents, writer.records, size, digest),
        )

    async def _fill(self, writer: PartWriter, request: ExportStep, part: PartRange) -> int:
        """Write the documents of a part; return how many there are."""
        after: int | None = part.after
        count = 0
        while after is not None:
            found, after = await self._store.documents(
                request.run_id, after, part.last, _AT_ONCE, outlined=request.what == "chunks"
            )
            if request.format == "warc":
                count += await self._add_with_bodies(writer, found)
                continue
            if request.what == "chunks":
                found = await asyncio.gather(
                    *(self._cut(each, request.chunk_size) for each in found)
                )
            await asyncio.to_thread(_add_all, writer, [(entry, None) for entry in found])
            count += len(found)
        return count

    async def _add_with_bodies(self, writer: PartWriter, found: Sequence[ExportEntry]) -> int:
        """Write documents with their bodies; return how many. While some are compressed in a thread
        the next are read; few, since a body may have hundreds of megabytes. One that is missing or
        damaged, which `atlas audit` reports, leaves its documents out."""
        known: dict[str, bool] = {}
        batch: list[tuple[ExportEntry, bytes | None]] = []
        count = size = 0
        writing: asyncio.Future[None] | None = None
        try:
            for entry in found:
                body, snapshot = None, entry.document.snapshot
                if snapshot not in known:
                    known[snapshot], body = await self._body(writer, entry)
                if not known[snapshot]:
                    continue
                batch.append((entry, body))
                size += len(body or b"")
                if size >= _BODIES:
                    if writing is not None:
                        await writing
                    writing = asyncio.ensure_future(asyncio.to_thread(_add_all, writer, batch))
                    count, batch, size = count + len(batch), [], 0
        finally:
            if writing is not None:  # before the writer is closed, or written to by another thread
                await asyncio.gather(writing, return_exceptions=True)
        if writing is not None:
            writing.result()
        await asyncio.to_thread(_add_all, writer, batch)
        return count + len(batch)

    async def _body(self, writer: PartWriter, entry: ExportEntry) -> tuple[bool, bytes | None]:
        """Whether the document of a body can be written, and the body if the part has not got it
        yet."""
        if not writer.wants_body(entry):
            return True, None
        try:
            return True, await self._stored_body(entry.document.snapshot)
        except (BlobMissing, BlobCorrupt):
            return False, None

    # The whole

    async def _parts(self, run_id: str) -> AsyncIterator[FinishedPart]:
        after = -1
        while parts := await self._store.listed(run_id, after):
            for part in parts:
                yield part
            after = parts[-1].number

    async def _write_manifest(
        self, request: FinishExport, target: ExportTarget, totals: dict[str, int]
    ) -> None:
        """Write the list of the parts; its presence says that the export is complete."""
        head = {
            "schema": "atlas-export/1",
            "run_id": request.run_id,
            "format": request.format,
            "compress": request.compress,
            "what": request.what,
            **({"chunk_size": request.chunk_size} if request.what == "chunks" else {}),
            "as_of": request.as_of.isoformat() if request.as_of else None,
            "only": request.only.model_dump(mode="json"),
            "documents": totals["documents"],
            "records": totals["records"],
        }
        async with target.files.drafts() as drafts:
            draft = drafts / MANIFEST
            with draft.open("w", encoding="utf-8") as file:
                file.write(json.dumps(head, indent=1)[:-2] + ',\n "parts": [')
                between = "\n  "
                async for part in self._parts(request.run_id):
                    shown = {
                        "name": part.name,
                        "documents": part.documents,
                        "records": part.records,
                        "bytes": part.bytes,
                        "sha256": part.sha256,
                    }
                    file.write(between + json.dumps(shown))
                    between = ",\n  "
                file.write("\n ]\n}\n")
            await target.files.keep([(draft, MANIFEST)])

    async def _join(self, request: ExportStep, target: ExportTarget) -> int:
        """Join the parts into one file, which appears whole; return its size."""
        place = Path(request.to)
        folder = Path(target.name)
        parts = [folder / part.name async for part in self._parts(request.run_id)]
        async with target.files.drafts() as drafts:
            draft = drafts / place.name
            await asyncio.to_thread(self._formats.join, _form(request), parts, draft)
            size = (await asyncio.to_thread(draft.stat)).st_size
            await target.files.keep([(draft, f"../{place.name}")])
        return size


def _add_all(writer: PartWriter, found: Sequence[tuple[ExportEntry, bytes | None]]) -> None:
    for entry, body in found:
        writer.add(entry, body)


def _place(request: ExportStep) -> str:
    """Where the parts lie."""
    if not request.one_file:
        return request.to
    place = Path(request.to)
    return str(place.parent / f".{place.name}.parts")


def _part_name(request: ExportStep, number: int) -> str:
    return f"part-{number:05d}{name_ending(request.format, request.compress)}"


def _form(request: ExportStep) -> PartForm:
    return PartForm(
        request.format, request.compress, request.what, request.chunk_size, request.as_of
    )


def _measured(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()
