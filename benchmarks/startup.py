"""From `atlas up -d` to the first searchable document, and the memory of the idle stack.

    python -m benchmarks startup

Two starts are measured: of a fresh home (PostgreSQL's cluster is made, migrations run), and of one
that was there before; when each stage was reached, and the CPU time that each part of the stack has
used until then, which depends less on what else the machine does. The site is one page on
loopback. Aims: 5 s, 250 MB.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from atlas.embedded.process_identity import descendants
from atlas.embedded.stack_record import read_stack, supervisor_of
from atlas.settings import Settings
from starter.client import AtlasClient

AIM_SECONDS = 5.0
AIM_BYTES = 250_000_000
IDLE_SECONDS = 120.0
"""At most, until a worker without work has ended its extraction processes (after 60)."""


def main() -> None:
    """Measure and print."""
    with _home() as home, _site() as url:
        _tell_times("fresh home", _first_document(home, "fresh", url))
        _tell_cpu(_cpu(home))
        _tell_memory("idle after one document", _memory(home))
        _atlas("down")
        _tell_times("known home", _first_document(home, "again", url))
        _tell_cpu(_cpu(home))
        _atlas("down")


def _first_document(home: Path, name: str, url: str) -> dict[str, float]:
    """Seconds from the start to each stage, in order."""
    began = time.time()  # what the stack recorded is by this clock, too
    _atlas("up", "-d")
    reached = {**_recorded(home), "`atlas up -d` has ended": time.time()}
    asyncio.run(_until_found(name, f"{url}{name}"))
    reached["the document is found"] = time.time()
    return {stage: at - began for stage, at in sorted(reached.items(), key=lambda each: each[1])}


def _recorded(home: Path) -> dict[str, float]:
    stack = read_stack(home)
    assert stack is not None
    return {
        "the worker's process begins": stack.parts["worker"].since,
        "PostgreSQL's, its cluster made": stack.parts["postgres"].since,
        "Temporal's": stack.parts["temporal"].since,
        "both answer, schema in place": (home / "worker.go").stat().st_mtime,
        "the worker polls": (home / "worker.ready").stat().st_mtime,
    }


async def _until_found(name: str, url: str) -> None:
    """In this process, so the client's imports are paid for: what a program would see."""
    async with AtlasClient.connect(Settings.load()) as atlas:
        await atlas.sources.add(name, url, kind="urls", delay=0, force=True)
        result = await (await atlas.sync(name)).result()
        assert result.counts.added == 1, result
        page = await atlas.search(f"lantern {name}")
        assert page.results, "the document is not found"


def _cpu(home: Path) -> dict[str, float]:
    """Seconds by part, those of its ended children included."""
    used = {}
    for name, pids in _processes(home).items():
        times = [psutil.Process(pid).cpu_times() for pid in pids]
        used[name] = sum(
            each.user + each.system + each.children_user + each.children_system for each in times
        )
    return used


def _processes(home: Path) -> dict[str, list[int]]:
    stack, supervisor = read_stack(home), supervisor_of(home)
    assert stack is not None and supervisor is not None
    found = {name: [part.pid, *descendants(part.pid)] for name, part in stack.parts.items()}
    return {**found, "supervisor": [supervisor.pid]}


def _memory(home: Path) -> dict[str, tuple[int, ...]]:
    """Bytes by part, once extraction has ended its processes: counted once, of that what no
    file backs (the kernel can drop the rest), PSS, RSS."""
    _until_idle(_processes(home)["worker"][0])
    parts = _processes(home)
    seen: dict[str, int] = {}
    return {
        f"{name} ({len(pids)} processes)": (
            sum(_own(pid) for pid in pids) + _new_files(pids, seen),
            sum(_own(pid) for pid in pids),
            sum(_rollup(pid, "Pss") for pid in pids),
            sum(_rollup(pid, "Rss") for pid in pids),
        )
        for name, pids in parts.items()
    }


def _until_idle(worker: int) -> None:
    deadline = time.monotonic() + IDLE_SECONDS
    while descendants(worker) and time.monotonic() < deadline:
        time.sleep(1)


def _own(pid: int) -> int:
    """Memory that no file backs; what processes of the stack share is divided among them."""
    return _rollup(pid, "Pss_Anon") + _rollup(pid, "Pss_Shmem")


def _new_files(pids: list[int], seen: dict[str, int]) -> int:
    """Pages of mapped files that the parts before did not have: each file counts once.

    PSS divides them among all who map them, other stacks on this machine included.
    """
    before = sum(seen.values())
    for pid in pids:
        for path, size in _files(pid).items():
            seen[path] = max(size, seen.get(path, 0))
    return sum(seen.values()) - before


def _files(pid: int) -> dict[str, int]:
    """Resident bytes of each mapped file, without pages that were written to."""
    found: dict[str, int] = {}
    path = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if not name.endswith(":"):
            path = line[73:]
        elif path.startswith("/") and not path.startswith(("/dev/", "/memfd:", "/SYSV")):
            sign = {"Rss:": 1, "Anonymous:": -1}.get(name, 0)
            found[path] = found.get(path, 0) + sign * int((rest.split() or ["0"])[0] if sign else 0)
    return {path: size * 1024 for path, size in found.items()}


def _rollup(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def _tell_times(title: str, seconds: dict[str, float]) -> None:
    whole = max(seconds.values())
    print(f"{title}: {whole:.2f} s, {whole / AIM_SECONDS:.2f} of the aim of {AIM_SECONDS:g} s")
    for stage, value in seconds.items():
        print(f"    {stage:<32}{value:6.2f} s")


def _tell_cpu(used: dict[str, float]) -> None:
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in used.items())
    print(f"    CPU until then: {sum(used.values()):.2f} s: {parts}")


def _tell_memory(title: str, parts: dict[str, tuple[int, ...]]) -> None:
    once, own, pss, rss = (sum(sizes) for sizes in zip(*parts.values(), strict=True))
    print(
        f"{title}: {once / 1e6:.0f} MB, {once / AIM_BYTES:.2f} of the aim "
        f"({own / 1e6:.0f} without program files; PSS {pss / 1e6:.0f}, RSS {rss / 1e6:.0f})"
    )
    for name, sizes in parts.items():
        print(f"    {name:<24}" + "".join(f"{size / 1e6:6.0f} MB" for size in sizes))


def _atlas(*arguments: str) -> None:
    program = Path(sys.executable).parent / "atlas"
    subprocess.run([program, *arguments], check=True, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    """A temporary `ATLAS_HOME`, its stack stopped whatever happens."""
    with tempfile.TemporaryDirectory(prefix="atlas-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)  # as root PostgreSQL runs as another user
        os.environ["ATLAS_HOME"] = str(home)
        os.environ["ATLAS_FETCH_ALLOW_NETWORKS"] = "127.0.0.0/8"
        try:
            yield home
        finally:
            _atlas("down")


@contextlib.contextmanager
def _site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/robots.txt":
            self.send_error(404)
            return
        name = self.path.strip("/")
        text = f"The lantern of {name} burns at the end of the quay. " * 20
        body = (
            f"<title>Lantern {name}</title><main><h1>Lantern {name}</h1><p>{text}</main>".encode()
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    main()
