"""Exports as the workflow makes them, without Temporal."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities import exports
from activities.exports import Exporting
from atlas.contracts.export_corpus import (
    ChooseExport,
    ChosenFilter,
    ExportChosen,
    ExportFinished,
    ExportRequest,
    ExportStep,
    FinishExport,
    ForgetExport,
)
from atlas.domain.export_entry import ExportEntry
from atlas.formats.export_formats import ExportFormats
from atlas.stores.blobs import Blobs
from atlas.stores.postgres.crawl.runs import runs
from atlas.stores.postgres.services.export_runs import ExportStore
from atlas.stores.targets.export_target import open_target
from tests.stores.drive import Drive

_NUMBERS = itertools.count(1)


async def no_bodies(digest: str) -> bytes:
    """For formats that need none."""
    raise AssertionError(digest)


async def cut_by_the_writer(entry: ExportEntry, size: int) -> ExportEntry:
    """As if every child had failed."""
    return entry


class Export:
    """One run of `export_corpus`, a part in each step."""

    def __init__(
        self, drive: Drive, to: str | Path, blobs: Blobs | None = None, **request: Any
    ) -> None:
        self.run_id = f"export-{next(_NUMBERS)}"
        self.drive = drive
        self.store = ExportStore(drive.pool, lambda: drive.now)
        stored_body = blobs.get if blobs else no_bodies
        self.activities = Exporting(
            self.store, open_target, ExportFormats(), stored_body, cut_by_the_writer
        )
        self.request = ExportRequest(to=str(to), **{"part_documents": 2, **request})
        self.chosen = ExportChosen()
        self.between: Callable[[], Any] | None = None
        """Called after each step."""

    @property
    def step(self) -> dict[str, Any]:
        fields = self.request.model_dump(include=set(ExportStep.model_fields))
        more = {"one_file": self.request.one_file, "as_of": self.chosen.as_of}
        return {**fields, **more, "run_id": self.run_id}

    @property
    def only(self) -> ChosenFilter:
        return ChosenFilter(**self.request.only.model_dump())

    async def begin(self) -> ExportChosen:
        async with self.drive.pool.acquire() as connection:
            await runs.open_run(
                connection, run_id=self.run_id, workflow_id="export_corpus:x",
                kind="export_corpus", trigger="cli", now=self.drive.now,
            )  # fmt: skip
        return await self.choose()

    async def choose(self) -> ExportChosen:
        asked = ChooseExport(**self.step, only=self.only)
        self.chosen = await ActivityEnvironment().run(self.activities.choose_export, asked)
        return self.chosen

    async def write(self) -> bool:
        """Write the next part; whether there is more."""
        done = await ActivityEnvironment().run(self.activities.write_parts, ExportStep(**self.step))
        return done.more

    async def finish(self) -> ExportFinished:
        asked = FinishExport(**self.step, only=self.only)
        return await ActivityEnvironment().run(self.activities.finish_export, asked)

    async def forget(self, *, discard: bool = False) -> None:
        asked = ForgetExport(**self.step, discard=discard)
        await ActivityEnvironment().run(self.activities.forget_export, asked)

    async def end(self) -> ExportFinished:
        """Go on to the end."""
        while await self.write():
            pass
        finished = await self.finish()
        await self.forget()
        return finished

    async def whole(self) -> ExportFinished:
        chosen = await self.begin()
        assert not chosen.refused and not chosen.unknown, chosen
        return await self.end()


def a_part_a_step(monkeypatch: Any) -> None:
    """Let every step end after one part."""
    monkeypatch.setattr(exports, "WORKING_SECONDS", 0.0)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but the manifest, which names run and moment."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "manifest.json"
    }
