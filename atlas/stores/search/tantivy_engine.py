"""The search index as folders of tantivy's, one for each generation.

    <folder>/3/          a generation (`tantivy_generation.py`)
    <folder>/serving     the number of the generation that searches read
    <folder>/.new-…      a generation that is being made; .old-… one that is being removed

A generation is complete before its folder bears its number, and loses the number before it is
deleted: whoever opens a folder with a number finds a whole generation.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from atlas.domain.search.analysis import QueryTerm
from atlas.domain.search.index_parts import LexemeQuery
from atlas.domain.search.score_explanation import ScoredTerm
from atlas.stores.search.port import (
    DamagedGeneration,
    IndexOrigin,
    MissingGeneration,
    PartMatch,
    PartMatches,
    StoredGeneration,
    TextChanges,
    TextScope,
)
from atlas.stores.search.tantivy_generation import TantivyGeneration

R = TypeVar("R")


@dataclass(eq=False)
class TantivyIndex:
    """Generations in one folder of this machine, or of a disk that its workers share."""

    folder: Path
    _opened: dict[int, TantivyGeneration] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _making: threading.Lock = field(default_factory=threading.Lock, init=False)

    async def generations(self) -> list[StoredGeneration]:
        """See `SearchIndex`."""
        return await self._aside(self._generations)

    async def begin(self, generation: int, origin: IndexOrigin, cursor: int) -> None:
        """See `SearchIndex`."""
        await self._aside(self._begin, generation, origin, cursor)

    async def cursor(self, generation: int) -> int:
        """See `SearchIndex`."""
        return (await self._aside(lambda: self._generation(generation).stored())).cursor

    async def apply(self, generation: int, changes: TextChanges) -> None:
        """See `SearchIndex`."""
        await self._aside(lambda: self._generation(generation).apply(changes))

    async def release(self, generation: int) -> None:
        """See `SearchIndex`."""
        if found := self._opened.get(generation):
            await self._aside(found.release)

    async def serving(self) -> int | None:
        """See `SearchIndex`."""
        return await self._aside(self._serving)

    async def switch(self, generation: int) -> None:
        """See `SearchIndex`."""
        await self._aside(self._switch, generation)

    async def drop(self, generation: int) -> None:
        """See `SearchIndex`."""
        await self._aside(self._drop, generation)

    async def texts_of(self, generation: int, pages: Sequence[int]) -> set[bytes]:
        """See `SearchIndex`."""
        return await self._aside(lambda: self._generation(generation).texts_of(pages))

    async def texts_until(self, generation: int, before: int, limit: int) -> set[bytes]:
        """See `SearchIndex`."""
        return await self._aside(lambda: self._generation(generation).texts_until(before, limit))

    async def parts_of(self, generation: int, beginning: str) -> dict[bytes, int]:
        """See `SearchIndex`."""
        return await self._aside(lambda: self._generation(generation).parts_of(beginning))

    async def search(
        self,
        query: LexemeQuery,
        scope: TextScope,
        limit: int,
        *,
        generation: int | None = None,
    ) -> PartMatches:
        """See `SearchIndex`."""
        return await self._aside(self._search, query, scope, limit, generation)

    async def explain(
        self,
        terms: Sequence[QueryTerm],
        matches: Sequence[PartMatch],
        *,
        generation: int | None = None,
    ) -> list[list[tuple[QueryTerm, ScoredTerm]]]:
        """See `SearchIndex`."""
        return await self._aside(
            lambda: [self._searched(generation).explain(terms, each) for each in matches]
        )

    async def texts_near(self, lexeme: str, scope: TextScope, limit: int) -> list[bytes]:
        """See `SearchIndex`."""
        return await self._aside(lambda: self._searched(None).texts_near(lexeme, scope, limit))

    async def expunge(self, generation: int, texts: Collection[bytes]) -> bool:
        """See `SearchIndex`. tantivy merges when it likes, and its binding cannot ask for it."""
        await self._aside(self._remove_leftovers)
        return not await self._aside(lambda: self._generation(generation).traces(texts))

    async def traces(self, texts: Collection[bytes]) -> set[bytes]:
        """See `SearchIndex`."""
        return await self._aside(self._traces, texts)

    async def close(self) -> None:
        """See `SearchIndex`."""
        with self._lock:
            opened = list(self._opened.values())
            self._opened.clear()
        for each in opened:
            await self._aside(each.release)

    async def _aside(self, work: Callable[..., R], *given: Any) -> R:
        # tantivy lets other threads run while it works.
        return await asyncio.to_thread(work, *given)

    def _generation(self, number: int) -> TantivyGeneration:
        with self._lock:
            if number not in self._opened:
                self._opened[number] = TantivyGeneration(self.folder / str(number))
            return self._opened[number]

    def _generations(self) -> list[StoredGeneration]:
        if not self.folder.is_dir():
            return []
        numbers = sorted(int(each.name) for each in self.folder.iterdir() if each.name.isdecimal())
        return list(self._readable(numbers))

    def _readable(self, numbers: Sequence[int]) -> Iterator[StoredGeneration]:
        for number in numbers:
            try:
                yield self._generation(number).stored()
            except (MissingGeneration, DamagedGeneration):
                continue  # no generation to go on with; whoever needs it hears it from `cursor`

    def _begin(self, number: int, origin: IndexOrigin, cursor: int) -> None:
        # A thread cannot be cancelled: one that was given up may be making this very generation.
        with self._making:
            self._make(number, origin, cursor)

    def _make(self, number: int, origin: IndexOrigin, cursor: int) -> None:
        try:
            if self._generation(number).stored().origin == origin:
                return
        except (MissingGeneration, DamagedGeneration):
            pass
        self._remove(number)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Complete under another name first: a folder that bears its number can be read.
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        made = TantivyGeneration(new)
        made.make(origin, cursor)
        new.rename(self.folder / str(number))
        _sync_folder(self.folder)

    def _serving(self) -> int | None:
        try:
            return int((self.folder / "serving").read_text("ascii"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DamagedGeneration(
                f"{self.folder / 'serving'} names no generation; a worker that starts, or "
                "`atlas index follow`, builds the index anew"
            ) from error

    def _switch(self, number: int) -> None:
        self._generation(number).stored()  # there, and readable
        new = self.folder / f".new-serving-{os.getpid()}-{threading.get_ident()}"
        with new.open("w", encoding="ascii") as file:
            file.write(str(number))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / "serving")
        _sync_folder(self.folder)

    def _drop(self, number: int) -> None:
        if self._serving() == number:
            raise ValueError(f"generation {number} serves searches; switch to another first")
        self._remove(number)

    def _remove(self, number: int) -> None:
        with self._lock:
            opened = self._opened.pop(number, None)
        if opened is not None:
            opened.release()
        if (self.folder / str(number)).exists():
            # Gone at once for all who open it; those who read it keep their files.
            old = Path(tempfile.mkdtemp(prefix=".old-", dir=self.folder))
            (self.folder / str(number)).rename(old / str(number))
        self._remove_leftovers()

    def _remove_leftovers(self) -> None:
        """What a process left that was killed while it removed a generation."""
        if self.folder.is_dir():
            for left in self.folder.glob(".old-*"):
                shutil.rmtree(left, ignore_errors=True)

    def _traces(self, texts: Collection[bytes]) -> set[bytes]:
        """Of each segment its dictionary says what it has; every other file is read."""
        if not self.folder.is_dir() or not texts:
            return set()
        found: set[bytes] = set()
        known: set[Path] = set()
        for number in (each.name for each in self.folder.iterdir() if each.name.isdecimal()):
            try:
                generation = self._generation(int(number))
                found |= generation.traces(texts)
                known.update(generation.segment_files())
            except (MissingGeneration, DamagedGeneration):
                continue  # its files are read as any others
        # Folders with a dot, of a process that was killed, as well, and no error for those that
        # another process removes meanwhile.
        for folder, _, names in os.walk(self.folder):
            for path in (Path(folder, name) for name in names):
                if path not in known:
                    found |= _named_in(path, texts)
        return found

    def _search(
        self, query: LexemeQuery, scope: TextScope, limit: int, number: int | None
    ) -> PartMatches:
        return self._searched(number).search(query, scope, limit)

    def _searched(self, number: int | None) -> TantivyGeneration:
        """The generation of that number, or the one that serves."""
        if number is None:
            number = self._serving()
        if number is None:
            raise MissingGeneration(
                f"no search index in {self.folder} yet; a worker builds it, or `atlas index follow`"
            )
        return self._generation(number)


def _named_in(path: Path, texts: Collection[bytes]) -> set[bytes]:
    """The texts that a file names by their hashes, as every part is stored with it."""
    try:
        said = path.read_bytes()  # a segment is some hundred megabytes at most
    except FileNotFoundError:
        return set()
    return {text for text in texts if text.hex().encode() in said}


def _sync_folder(folder: Path) -> None:
    """Make a rename in it outlast a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
