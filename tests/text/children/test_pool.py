"""The extractor pool: what a job does wrong is named, and nobody else notices."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from atlas.domain.child_environment import ALLOWED
from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.prepared import PrepareJob
from atlas.domain.search.index_parts import index_parts
from atlas.text.children.child_handles import _ONE_THREAD
from atlas.text.children.pool import ExtractorPool
from atlas.text.children.wire_format import read_prepared
from tests.secrecy import ODD_SECRETS, told_a_secret
from tests.text.children import poison

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
PAGE = b"<html><title>A page</title><body><p>This sentence is read in a child process.</p></html>"


async def run(pool: ExtractorPool, job: Callable[[Any], object], argument: object) -> Any:
    return await pool.run(poison.as_json, (job, argument), json.loads)


def exists(pid: int) -> bool:
    """Whether the process still runs; a zombie that waits for its reaper does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 100) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[ExtractorPool]:
    """Patient, so that on a busy machine no job but one that hangs ends by time."""
    async with ExtractorPool(children=2, timeout=60, memory_limit=256 << 20) as pool:
        await run(pool, poison.echo, 0)
        yield pool


class HastyPool(ExtractorPool):
    """Impatient with jobs that hang, which nothing but their time ends. All others have as long as
    a busy machine takes for them: the time-out is that of the task that runs the job."""

    _seconds: ContextVar[float] = ContextVar("seconds", default=60)

    @property
    def _timeout(self) -> float:
        return self._seconds.get()

    @_timeout.setter
    def _timeout(self, _: float) -> None:
        pass

    async def _try(self, payload: bytes, *rest: Any) -> Any:
        token = self._seconds.set(1 if b"hang" in payload else 60)
        try:
            return await super()._try(payload, *rest)
        finally:
            self._seconds.reset(token)


@pytest.fixture(scope="module")
async def hasty() -> AsyncIterator[ExtractorPool]:
    """Without the libraries of extraction, which take seconds to load."""
    async with HastyPool(children=2, memory_limit=256 << 20, preloaded=()) as pool:
        await run(pool, poison.echo, 0)
        yield pool


async def code_of(pool: ExtractorPool, job: Callable[[object], object]) -> str:
    with pytest.raises(PageError) as caught:
        await run(pool, job, None)
    assert caught.value.error_class is ErrorClass.INVALID
    return caught.value.code


async def test_no_secret_of_the_worker_reaches_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ATLAS_DATABASE_URL",
        "ATLAS_ENCRYPTION_KEYS",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
    ):
        monkeypatch.setenv(name, "opens-a-door")
    async with ExtractorPool(children=1, timeout=60, preloaded=()) as fresh:
        seen = await run(fresh, poison.environment, None)
    assert "PATH" in seen
    assert "opens-a-door" not in seen.values()


async def test_prepare_gives_text_and_sketch(pool: ExtractorPool) -> None:
    prepared = await pool.prepare(PrepareJob(PAGE, "text/html", "utf-8", "https://a.example/"))
    assert prepared.extracted.text == "This sentence is read in a child process."
    assert prepared.sketch.bands


async def test_a_page_that_says_what_is_known_is_not_prepared(pool: ExtractorPool) -> None:
    words = "A sentence of the page that is long enough for a text of its own. " * 30
    page = f"<title>Known</title><script>one()</script><main><p>{words}</p></main>"
    job = PrepareJob(page.encode(), "text/html", "utf-8", "https://a.example/")
    known = (await pool.prepare(job)).extracted.read_digest
    assert known is not None
    again = replace(job, body=page.replace("one()", "two()").encode(), known=known)
    assert await pool.prepare_new(again) is None
    assert (await pool.prepare(again)).extracted.title == "Known"
    other = await pool.prepare_new(replace(again, body=page.replace("long", "just").encode()))
    assert other is not None and other.extracted.read_digest not in (None, known)


async def test_prepare_passes_the_page_error_on(pool: ExtractorPool) -> None:
    with pytest.raises(PageError) as caught:
        await pool.prepare(PrepareJob(b"", "text/html", None, "https://a.example/"))
    assert caught.value.code == "empty_body"


async def test_a_child_gives_the_parts_of_a_text(pool: ExtractorPool) -> None:
    assert await pool.index_parts("Title", "A text.") == index_parts("Title", "A text.")


LIES = [b"", b"\x80\x04N.", b"\x00" * 100, b"\xff" * 100, b'{"text": "json"}']


@pytest.mark.parametrize("lie", LIES)
async def test_a_child_that_answers_nonsense_is_to_blame_and_goes(
    pool: ExtractorPool, lie: bytes
) -> None:
    before = {await run(pool, poison.pid_of_child, None) for _ in range(4)}
    with pytest.raises(PageError) as caught:
        await pool.run(poison.lie, lie, read_prepared)
    assert caught.value.code == "extractor_malformed"
    assert any(not exists(pid) for pid in before)


async def test_the_parts_of_a_text_are_made_in_a_child(pool: ExtractorPool) -> None:
    text = "Keepers 灯塔 wrote. " * 2000
    found = await pool.index_parts("Log", text)
    assert found == index_parts("Log", text)
    assert len(found) > 1


async def test_an_announced_size_is_not_believed(pool: ExtractorPool) -> None:
    assert await code_of(pool, poison.lie_about_size) == "extractor_malformed"


async def test_an_answer_over_the_limit_is_the_pages_fault(pool: ExtractorPool) -> None:
    with pytest.raises(PageError) as caught:
        await pool.run(poison.answer_too_much, None, json.loads)
    assert caught.value.code == "extractor_too_large"


@pytest.mark.parametrize(
    ("job", "code"),
    [
        (poison.eat_memory, "extractor_memory"),
        (poison.exit_hard, "extractor_crashed"),
        (poison.crash, "extractor_crashed"),
        (poison.refuse, "no_text"),
    ],
)
async def test_what_goes_wrong_is_named_and_the_pool_works_on(
    pool: ExtractorPool, job: Callable[[object], object], code: str
) -> None:
    assert await code_of(pool, job) == code
    assert await run(pool, poison.echo, "still here") == "still here"


@pytest.mark.parametrize("job", [poison.hang, poison.hang_deaf_in_c])
async def test_a_job_that_hangs_ends_by_time_and_the_pool_works_on(
    hasty: ExtractorPool, job: Callable[[object], object]
) -> None:
    assert await code_of(hasty, job) == "extractor_timeout"
    assert await run(hasty, poison.echo, "still here") == "still here"


async def test_a_bug_is_no_page_error(pool: ExtractorPool) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'a bug of ours'"):
        await run(pool, poison.blunder, None)


async def test_poison_harms_no_other_job(hasty: ExtractorPool) -> None:
    bad = [poison.crash, poison.exit_hard, poison.hang, poison.eat_memory, poison.crash] * 2
    good = [run(hasty, poison.echo, number) for number in range(200)]
    poisoned = [run(hasty, job, None) for job in bad]
    mixed = [job for pair in zip(poisoned, good[:10], strict=True) for job in pair] + good[10:]
    results = await asyncio.gather(*mixed, return_exceptions=True)
    answers = {result for result in results if isinstance(result, int)}
    assert answers == set(range(200))
    assert sum(isinstance(result, PageError) for result in results) == len(bad)


async def test_the_event_loop_is_free_while_a_job_hangs(hasty: ExtractorPool) -> None:
    job = asyncio.create_task(code_of(hasty, poison.hang))
    turns = 0
    while not job.done():
        await asyncio.sleep(0)
        turns += 1
    assert await job == "extractor_timeout"
    assert turns > 10


async def test_a_cancelled_job_leaves_its_slot_and_no_process(
    pool: ExtractorPool, tmp_path: Path
) -> None:
    report = tmp_path / "pid"
    job = asyncio.create_task(run(pool, poison.hang_saying_pid, str(report)))
    while not (report.exists() and report.read_text()):
        await asyncio.sleep(0.01)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    pid = int(report.read_text().split()[0])
    assert await asyncio.to_thread(wait_until, lambda: not exists(pid))
    pairs = (run(pool, poison.echo, 1), run(pool, poison.echo, 2))
    assert await asyncio.gather(*pairs) == [1, 2]


async def test_a_job_survives_the_end_of_the_zygote(hasty: ExtractorPool, tmp_path: Path) -> None:
    assert await run(hasty, poison.kill_zygote_once, str(tmp_path / "flag")) == "answered"


async def test_answers_larger_than_a_pipe_come_whole(pool: ExtractorPool) -> None:
    size = 5_000_000
    assert len(await run(pool, poison.large, size)) == size


async def test_a_body_and_an_answer_in_files_are_never_whole_in_memory() -> None:
    megabytes = 24
    async with ExtractorPool(children=1, timeout=60, preloaded=()) as pool:
        with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as answer:
            for number in range(megabytes):
                body.write(bytes([number]) * (1 << 20))
            tracemalloc.start()
            await pool.run_on_file(poison.repeat, 3, body, answer)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            body.seek(0)
            answer.seek(0)
            assert answer.read() == body.read() * 3
    assert peak < 8 << 20


async def test_reading_a_body_from_a_file_gives_way_to_all_else(pool: ExtractorPool) -> None:
    answer = io.BytesIO()
    await pool.run_on_file(poison.niceness, None, io.BytesIO(b"body"), answer)
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert int(answer.getvalue()) == min(ours + 10, 19)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("eat_memory", "extractor_memory"),
        ("crash", "extractor_crashed"),
        ("lie_about_size", "extractor_malformed"),
        ("refuse", "no_text"),
    ],
)
async def test_what_goes_wrong_with_a_body_from_a_file_is_named(
    pool: ExtractorPool, what: str, code: str
) -> None:
    with pytest.raises(PageError) as caught:
        await pool.run_on_file(poison.spoil, what, io.BytesIO(b"hostile"), io.BytesIO())
    assert caught.value.code == code
    assert await run(pool, poison.echo, "still here") == "still here"


async def test_a_hang_on_a_body_from_a_file_ends_by_time(hasty: ExtractorPool) -> None:
    with pytest.raises(PageError) as caught:
        await hasty.run_on_file(poison.spoil, "hang", io.BytesIO(b"hostile"), io.BytesIO())
    assert caught.value.code == "extractor_timeout"


async def test_a_child_that_read_a_body_from_a_file_does_no_other_job(pool: ExtractorPool) -> None:
    with io.BytesIO(b"body") as body, io.BytesIO() as answer:
        await pool.run_on_file(poison.pid_and_body, None, body, answer)
        pid, _, read = answer.getvalue().split()
    assert read == b"body"
    assert await asyncio.to_thread(wait_until, lambda: not exists(int(pid)))


async def test_a_body_from_a_file_survives_the_end_of_the_zygote(hasty: ExtractorPool) -> None:
    with io.BytesIO(b"body") as body, io.BytesIO() as answer:
        await hasty.run_on_file(poison.pid_and_body, None, body, answer)
        os.kill(int(answer.getvalue().split()[1]), signal.SIGKILL)
        await hasty.run_on_file(poison.pid_and_body, None, body, answer)
        assert answer.getvalue().endswith(b" body")


async def test_children_and_the_zygote_know_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ODD_SECRETS.items():
        monkeypatch.setenv(name, value)
    async with ExtractorPool(children=1, preloaded=()) as pool:
        child = await run(pool, poison.pid_of_child, None)
        _, zygote = await run(pool, poison.threads_and_parent, None)
        assert told_a_secret([child, zygote]) == {}
        known = set(await run(pool, poison.environment, None))
    assert known <= ALLOWED | set(_ONE_THREAD)


async def test_children_have_one_thread(pool: ExtractorPool) -> None:
    assert await run(pool, poison.native_threads, None) == 1


async def test_children_are_replaced_after_their_share() -> None:
    async with ExtractorPool(children=1, jobs_per_child=2, preloaded=()) as pool:
        pids = [await run(pool, poison.pid_of_child, None) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_idle_processes_end_and_start_again() -> None:
    async with ExtractorPool(children=1, idle=0.05, preloaded=()) as pool:
        child = await run(pool, poison.pid_of_child, None)
        _, zygote = await run(pool, poison.threads_and_parent, None)
        gone = lambda: not exists(child) and not exists(zygote)  # noqa: E731
        assert await asyncio.to_thread(wait_until, gone)
        assert await run(pool, poison.echo, "again") == "again"


async def test_who_wants_to_know_hears_that_all_are_at_rest_but_not_at_the_end() -> None:
    rests: asyncio.Queue[None] = asyncio.Queue()
    quick = ExtractorPool(children=1, idle=0.05, preloaded=(), at_rest=lambda: rests.put(None))
    async with quick as pool:
        for _ in range(2):
            await run(pool, poison.pid_of_child, None)
            await asyncio.wait_for(rests.get(), 60)
        pool.warm()
    assert rests.empty()


async def test_close_ends_every_process_and_the_jobs_under_way(tmp_path: Path) -> None:
    report = tmp_path / "pid"
    pool = ExtractorPool(children=1, timeout=600, preloaded=())
    job = asyncio.create_task(run(pool, poison.hang_saying_pid, str(report)))
    while not (report.exists() and report.read_text()):
        await asyncio.sleep(0.01)
    await pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        await job
    pids = [int(pid) for pid in report.read_text().split()]
    assert await asyncio.to_thread(wait_until, lambda: not any(map(exists, pids)))
    with pytest.raises(RuntimeError, match="closed"):
        await run(pool, poison.echo, 1)


def test_a_killed_parent_leaves_no_process(tmp_path: Path) -> None:
    report = tmp_path / "pid"
    script = (sys.executable, "-m", "tests.text.children.orphan_script", str(report))
    parent = subprocess.Popen(script, cwd=Path(__file__).parents[3])
    try:
        assert wait_until(lambda: report.exists() and bool(report.read_text()))
        pids = [int(pid) for pid in report.read_text().split()]
        family = [*pids, *children_of(pids[1])]
        assert all(map(exists, family))
        assert len(set(family)) == 3  # the zygote, the idle child, the hanging child
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not any(map(exists, family)))


def children_of(parent: int) -> list[int]:
    stats = (path.read_text() for path in Path("/proc").glob("[0-9]*/stat"))
    rows = (stat.rpartition(")")[2].split()[1] + " " + stat.split()[0] for stat in stats)
    return [int(row.split()[1]) for row in rows if int(row.split()[0]) == parent]


def test_the_parent_imports_nothing_heavy() -> None:
    heavy = "{'trafilatura', 'lxml', 'numpy', 'resiliparse', 'pypdfium2', 'fasttext', 'opencc'}"
    script = f"import sys, atlas.text.children.pool; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        (sys.executable, "-c", script), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
