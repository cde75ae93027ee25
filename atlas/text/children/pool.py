"""Extraction in child processes that may hang, grow or crash without harming anything else.

The parent side of `zygote.py`: one socket per child, no threads, nothing heavy imported. Children
and their zygote start with the first job and end after a minute without one, so an idle worker
pays nothing for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar, cast

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.measures import UNMEASURED, Measures
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.domain.wire_fields import MalformedAnswer
from atlas.text.children.child_handles import ExtractionChild, Files, Zygote, ZygoteLost
from atlas.text.children.wire_format import (
    READ_BEFORE,
    Answer,
    read_new,
    read_parts,
    read_prepared,
    write_parts,
    write_prepared,
)

if TYPE_CHECKING:
    from atlas.domain.search.index_parts import IndexPart

A = TypeVar("A")
R = TypeVar("R")

_NEAR = 0.8  # share of the memory limit at which a crash is put down to it
_LONG = 512 * 1024  # bytes of an answer from which on reading it would hold up the event loop
_TRIES = 2  # the death of the zygote is not the job's fault


class ExtractorPool:
    """Runs jobs in at most `children` processes (default: one per CPU).

    `timeout` is in seconds of wall clock per job, `memory_limit` in bytes that a job may take on
    top of the loaded libraries, `idle` in seconds after which unused processes end; a child is
    replaced after `jobs_per_child` jobs, because allocators never give everything back. The modules
    `preloaded` are imported once for all children, and their `warm_up` is called. `at_rest` is
    awaited whenever unused processes have ended.
    """

    def __init__(
        self,
        *,
        children: int | None = None,
        timeout: float = 30.0,
        memory_limit: int = 1 << 30,
        jobs_per_child: int = 500,
        idle: float = 60.0,
        preloaded: Sequence[str] = ("atlas.text.prepare",),
        measures: Measures = UNMEASURED,
        at_rest: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.children = children or os.cpu_count() or 1
        self._timeout = timeout
        self._memory = memory_limit
        self._jobs_per_child = jobs_per_child
        self._idle = idle
        self._preloaded = tuple(preloaded)
        self._measures = measures
        self._at_rest = at_rest
        self._slots = asyncio.Semaphore(self.children)
        self._free: list[ExtractionChild] = []
        self._zygote: Zygote | None = None
        self._busy = 0
        self._retirement: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def warm(self) -> None:
        """Load the libraries now, in the background: the first job need not wait 2 s for them."""
        if self._zygote is None and not self._closed:
            self._zygote = self._start()
            self._keep()
            self._release()  # without a job it goes again

    async def prepare(self, job: PrepareJob) -> Prepared:
        """Text and sketch of one body.

        Raises PageError(INVALID) as `extract` does, or with `extractor_timeout`,
        `extractor_memory`, `extractor_crashed`, `extractor_too_large` or `extractor_malformed`
        (an answer that no healthy child gives); RuntimeError for a fault of our own.
        """
        prepared = await self.prepare_new(replace(job, known=None))
        assert prepared is not None
        return prepared

    async def prepare_new(self, job: PrepareJob) -> Prepared | None:
        """The same; None if all that is read of the body is `known`: nothing of it is new."""
        read: Callable[[bytes], Prepared | None]
        read = read_prepared if job.known is None else read_new
        async with self._slot():
            began = time.monotonic()
            try:
                prepared = await self._try(pickle.dumps((_prepare, job)), read)
            except PageError as error:
                self._measures.extracted("unknown", time.monotonic() - began, error.code)
                raise
            if prepared is None:  # only pages have a digest
                self._measures.extracted("html", time.monotonic() - began, None)
                self._measures.spared()
                return None
            media = prepared.extracted.media
            self._measures.extracted(media, time.monotonic() - began, None)
            if prepared.extracted.truncated is not None:
                self._measures.truncated(media)
            return prepared

    async def index_parts(self, title: str, text: str) -> tuple[IndexPart, ...]:
        """The parts of a text extracted before. Raises as `prepare` does."""
        return await self.run(_parts, (title, text), lambda body: read_parts(body, len(text)))

    async def run(
        self, function: Callable[[A], bytes], argument: A, read: Callable[[bytes], R]
    ) -> R:
        """`function(argument)` in a child, read by `read`, which raises MalformedAnswer for what
        no healthy child sends. The function must be importable by its name."""
        async with self._slot():
            return await self._try(pickle.dumps((function, argument)), read)

    async def run_on_file(
        self,
        function: Callable[[A, bytes], bytes],
        argument: A,
        body: BinaryIO,
        answer: BinaryIO,
    ) -> None:
        """`function(argument, body)` in a separate child; what it returns goes to the file
        `answer`. Neither body nor answer is ever whole in the memory of this process.

        Nothing of the answer has been looked at: read it with distrust. The child is gone by then,
        so that one which was taken over does no further job. Raises as `prepare` does.
        """
        async with self._slot():
            payload = pickle.dumps((function, argument, True))
            await self._try(payload, bytes, Files(body, answer))

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """The right to use a child."""
        if self._closed:
            raise RuntimeError("the extractor pool is closed")
        async with self._slots:
            self._keep()
            try:
                yield
            finally:
                self._release()

    async def close(self) -> None:
        """End every process of the pool and wait until they are gone."""
        self._closed = True
        self._cancel_retirement()
        await self._retire()
        while self._endings:
            await asyncio.wait(tuple(self._endings))

    async def _try(
        self, payload: bytes, read: Callable[[bytes], R], files: Files | None = None
    ) -> R:
        for _ in range(_TRIES - 1):
            with contextlib.suppress(ZygoteLost):
                return await self._attempt(payload, read, files)
        try:
            return await self._attempt(payload, read, files)
        except ZygoteLost as error:
            raise RuntimeError("the extractor's parent process ended again and again") from error

    async def _attempt(self, payload: bytes, read: Callable[[bytes], R], files: Files | None) -> R:
        child = await self._child()
        try:
            if files is not None:
                files.rewind()
            async with asyncio.timeout(self._timeout):
                answer = await child.ask(payload, files)
            value = await _read(answer, read)
        except TimeoutError:
            await self._end(child)
            raise _failure("timeout", f"not done after {self._timeout:g} s") from None
        except MalformedAnswer as error:
            await self._end(child)
            raise _failure("malformed", str(error)) from None
        except (EOFError, ConnectionError):
            raise await self._post_mortem(child) from None
        except BaseException:
            self._end_later(child)
            raise
        if files is None:
            self._give_back(child, answer)
        else:
            self._end_later(child)
        return _unwrap(answer, value)

    def _start(self) -> Zygote:
        return Zygote.start(self._timeout, self._memory, self._preloaded)

    async def _child(self) -> ExtractionChild:
        while self._free:
            child = self._free.pop()
            if child.zygote.alive and not child.ended():
                return child
            self._end_later(child)
        if self._closed:
            raise RuntimeError("the extractor pool was closed under a job")
        if self._zygote is None or not self._zygote.alive:
            self._zygote = self._start()
        return await self._zygote.fork()

    def _give_back(self, child: ExtractionChild, answer: Answer) -> None:
        child.jobs += 1
        spent = child.jobs >= self._jobs_per_child or _ran_out(answer)
        if spent or self._closed:
            self._end_later(child)
        else:
            self._free.append(child)

    async def _post_mortem(self, child: ExtractionChild) -> Exception:
        """Why a child's socket ended: its own crash, the memory limit, or the zygote's end."""
        try:
            status, grown = await child.zygote.end(child.pid)
        except ZygoteLost as error:
            return error
        finally:
            child.channel.close()
        if grown > _NEAR * self._memory:
            return _failure("memory", f"crashed with {grown >> 20} MiB of its own")
        name = _status_name(status)
        if name in ("SIGXCPU", "SIGALRM"):
            return _failure("timeout", f"ended by its own watchdog ({name})")
        return _failure("crashed", f"the extracting process ended with {name}")

    async def _end(self, child: ExtractionChild) -> None:
        child.channel.close()
        with contextlib.suppress(ZygoteLost):
            await child.zygote.end(child.pid)

    def _end_later(self, child: ExtractionChild) -> None:
        self._later(self._end(child))

    def _later(self, ending: Any) -> None:
        task = asyncio.ensure_future(ending)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    def _keep(self) -> None:
        self._busy += 1
        self._cancel_retirement()

    def _release(self) -> None:
        self._busy -= 1
        if self._busy == 0 and not self._closed:
            loop = asyncio.get_running_loop()
            self._retirement = loop.call_later(self._idle, lambda: self._later(self._retire()))

    def _cancel_retirement(self) -> None:
        if self._retirement is not None:
            self._retirement.cancel()
            self._retirement = None

    async def _retire(self) -> None:
        if self._busy and not self._closed:
            return
        zygote, self._zygote = self._zygote, None
        for child in self._free:
            child.channel.close()
        self._free.clear()
        if zygote is not None:
            await zygote.stop()
        if self._at_rest is not None and not self._closed:
            await self._at_rest()


def _prepare(job: PrepareJob) -> bytes:
    from atlas.text.markup.read_digest import ReadBefore
    from atlas.text.prepare import prepare  # in the child only: it loads every library

    try:
        return write_prepared(prepare(job))
    except ReadBefore:
        return READ_BEFORE


def _parts(job: tuple[str, str]) -> bytes:
    from atlas.domain.search.index_parts import index_parts  # in the child only

    return write_parts(index_parts(*job))


async def _read(answer: Answer, read: Callable[[bytes], R]) -> R | None:
    """The value, read beside the event loop when it is a long one."""
    if answer.failure is not None or answer.bug is not None:
        return None
    if len(answer.value) > _LONG:
        return await asyncio.to_thread(read, answer.value)
    return read(answer.value)


def _unwrap(answer: Answer, value: R | None) -> R:
    if answer.failure is not None:
        error_class, code, message = answer.failure
        raise PageError(ErrorClass(error_class), code, message)
    if answer.bug is not None:
        raise RuntimeError(f"extraction failed: {answer.bug}")
    return cast("R", value)


def _ran_out(answer: Answer) -> bool:
    """After a MemoryError a heap is full of holes: the child goes."""
    return answer.failure is not None and answer.failure[1] == "extractor_memory"


def _failure(what: str, message: str) -> PageError:
    return PageError(ErrorClass.INVALID, f"extractor_{what}", message)


def _status_name(status: int) -> str:
    if os.WIFSIGNALED(status):
        with contextlib.suppress(ValueError):
            return signal.Signals(os.WTERMSIG(status)).name
    return f"exit status {os.waitstatus_to_exitcode(status)}"
