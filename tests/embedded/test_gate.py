"""Who is let in to the Temporal server of a home, and who is not."""

import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
from temporalio.client import Client
from temporalio.service import TLSConfig

from atlas.embedded import certificates, unprivileged
from atlas.embedded.gate import CLIENT, CLIENT_KEY, Door, gate_command, listening
from atlas.embedded.socket_tasks import SocketWait, Task, Turns, accepted, connected
from atlas.embedded.stack_plan import Plan, build
from atlas.embedded.temporal import find_temporal
from atlas.embedded.temporal_access import TemporalAccess, is_profile
from atlas.embedded.unprivileged import Account, enclosing, shim
from tests.conftest import free_port
from tests.embedded.conftest import Home

needs_network = pytest.mark.skipif(
    unprivileged.not_enclosable() is not None, reason="no network namespaces here"
)


@asynccontextmanager
async def opened(**rules: str) -> AsyncIterator[int]:
    """A gate before a server that answers what it gets, in capitals; its port."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(1 << 16):
            writer.write(part.upper())
            await writer.drain()
        writer.close()

    inner = await asyncio.start_server(shout, "127.0.0.1", 0)
    target = f"127.0.0.1:{inner.sockets[0].getsockname()[1]}"
    with listening("127.0.0.1", 0) as waiting:
        door = Door(f"fd:{waiting.fileno()}", target, **rules)
        gate = await asyncio.create_subprocess_exec(
            *gate_command([door]),
            pass_fds=[waiting.fileno()],
        )
        try:
            yield waiting.getsockname()[1]
        finally:
            gate.terminate()
            assert await gate.wait() == 0
            inner.close()


async def said(port: int, text: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """Everything that comes back, once all was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(text)
        if context is not None:
            return await reader.readexactly(len(text))
        with contextlib.suppress(OSError):  # it may be closed already
            writer.write_eof()
        return await reader.read()
    finally:
        writer.transport.abort()


async def test_what_is_relayed_arrives_whole_and_ends(tmp_path: Path) -> None:
    long = b"lantern" * 300_000
    async with opened() as port:
        answers = await asyncio.gather(*(said(port, long) for _ in range(5)))
    assert set(answers) == {long.upper()}


def test_no_end_of_a_relay_keeps_small_parts_back() -> None:
    """It held every answer of Temporal back by 40 ms."""
    ends: list[socket.socket] = []
    with listening("127.0.0.1", 0) as waiting:
        waiting.setblocking(False)
        turns = Turns()

        def keep(end: Generator[SocketWait, None, socket.socket]) -> Task:
            ends.append((yield from end))

        turns.add(keep(accepted(waiting)))
        turns.add(keep(connected(f"127.0.0.1:{waiting.getsockname()[1]}")))
        while len(ends) < 2:
            turns.round()
    for end in ends:
        with end:
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
            assert not end.getblocking()


async def test_one_who_does_not_read_holds_nobody_up() -> None:
    async with opened() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        written = 0
        with contextlib.suppress(TimeoutError):  # until every buffer on the way is full
            while written < 1 << 28:
                writer.write(bytes(1 << 20))
                written += 1 << 20
                async with asyncio.timeout(1):
                    await writer.drain()
        assert await said(port, b"still here") == b"STILL HERE"
        writer.transport.abort()


async def test_a_server_that_is_away_costs_its_own_connections_only(tmp_path: Path) -> None:
    port, inner = free_port(), free_port()
    with listening("127.0.0.1", port) as waiting:
        door = Door(f"fd:{waiting.fileno()}", f"localhost:{inner}")  # a name: as in compose
        gate = await asyncio.create_subprocess_exec(
            *gate_command([door]), pass_fds=[waiting.fileno()]
        )
        try:
            with contextlib.suppress(OSError):
                assert await said(port, b"x") == b""

            async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"back")
                writer.close()

            async with await asyncio.start_server(answer, "127.0.0.1", inner):
                assert await said(port, b"") == b"back"
        finally:
            gate.terminate()
            assert await gate.wait() == 0


@pytest.mark.parametrize(("end", "code"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), 9)", -9)])
def test_it_ends_as_its_command_did(end: str, code: int) -> None:
    command = [sys.executable, "-c", f"import os, sys; {end}"]
    done = subprocess.run(gate_command([], command), check=False)
    assert done.returncode == code


def test_its_command_gets_none_of_its_sockets() -> None:
    with listening("127.0.0.1", 0) as waiting:
        door = Door(f"fd:{waiting.fileno()}", "127.0.0.1:1")
        done = subprocess.run(
            gate_command([door], ["/bin/ls", "/proc/self/fd"]),
            pass_fds=[waiting.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == ["0", "1", "2", "3"], "the last is the folder that is listed"


LATE_SERVER = """
import pathlib, socket, sys, time
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.01)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:  # a look of the gate comes before the client
    with server.accept()[0] as client:
        client.sendall(b"at last" if client.recv(1) else b"")
"""


async def test_who_connects_while_the_server_starts_waits_and_is_not_turned_away(
    tmp_path: Path,
) -> None:
    port, inner, sign = free_port(), free_port(), tmp_path / "sign"
    with listening("127.0.0.1", port) as waiting:
        door = Door(f"fd:{waiting.fileno()}", f"127.0.0.1:{inner}")
        command = [sys.executable, "-c", LATE_SERVER, str(inner), str(sign)]
        gate = await asyncio.create_subprocess_exec(
            *gate_command([door], command),
            pass_fds=[waiting.fileno()],
        )
        try:
            answer = asyncio.create_task(said(port, b"?"))
            await asyncio.wait([answer], timeout=1)
            assert not answer.done()
            sign.touch()
            assert await asyncio.wait_for(answer, 100) == b"at last"
        finally:
            gate.terminate()
            await gate.wait()


async def test_only_a_client_with_a_certificate_of_the_home_is_admitted(tmp_path: Path) -> None:
    access, other = TemporalAccess(tmp_path / "a"), TemporalAccess(tmp_path / "b")
    for each in (access, other):
        certificates.make(each.certificates)
    async with opened(certificates=str(access.certificates)) as port:
        long = b"harbour" * 100_000
        assert await said(port, long, access.context()) == long.upper()
        anybody = ssl.create_default_context(cafile=access.certificates / "ca.pem")
        stranger = ssl.create_default_context(cafile=access.certificates / "ca.pem")
        stranger.load_cert_chain(other.certificates / CLIENT, other.certificates / CLIENT_KEY)
        for context in (anybody, stranger):
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await said(port, b"x", context)
        plain = b""
        with contextlib.suppress(ConnectionResetError):  # with what was sent still unread
            plain = await said(port, b"PRI * HTTP/2.0")
        assert plain == b"" or plain[:1] == b"\x15", "an alert of TLS at most"
        with pytest.raises(ssl.SSLCertVerificationError):  # nor does a client take it for another
            await said(port, b"x", other.context())


def test_a_set_of_certificates_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    access = TemporalAccess(tmp_path)
    access.make()
    kept = {name: (tmp_path / "tls" / name).read_bytes() for name in certificates.FILES}
    password = access.password_file.read_text()
    access.make()
    assert {name: (tmp_path / "tls" / name).read_bytes() for name in certificates.FILES} == kept
    (tmp_path / "tls" / "client.key").unlink()
    access.make()
    assert certificates.complete(tmp_path / "tls")
    assert (tmp_path / "tls" / "ca.pem").read_bytes() != kept["ca.pem"]
    assert access.password_file.read_text() == password
    assert len(password.strip()) >= 24


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Basic YXRsYXM6Z3Vlc3M=\r\n\r\n",  # atlas:guess
        b"GET / HTTP/1.1\r\nAuthorization: Basic %%%\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: Bearer YXRsYXM6c2VzYW1l\r\n\r\n",
        b"GET /?Authorization: Basic YXRsYXM6c2VzYW1l HTTP/1.1\r\n\r\n",
    ],
)
async def test_without_the_password_nothing_is_relayed(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "password").write_text("sesame\n")
    async with opened(password=str(tmp_path / "password")) as port:
        assert (await said(port, head)).startswith(b"HTTP/1.1 401 ")


async def test_with_the_password_everything_is_relayed(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sesame\n")
    head = b"GET / HTTP/1.1\r\nauthorization:  basic YXRsYXM6c2VzYW1l\r\n\r\nand more"
    async with opened(password=str(tmp_path / "password")) as port:
        assert await said(port, head) == head.upper()
        assert await said(port, b"no request") == b""
        with contextlib.suppress(OSError):  # what is left unread resets it
            assert await said(port, b"x" * 200_000) == b""


def _files_of(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())


@needs_network
async def test_other_users_of_the_machine_cannot_use_the_temporal_of_a_home(home: Home) -> None:
    assert await home.up() == 0
    stack, pid = home.stack, home.process("temporal").pid
    address, ui = stack.temporal_address or "", stack.ui_url or ""
    assert stack.ports.keys() == {"temporal", "ui"}, "its HTTP API has no port"

    gate = psutil.Process(pid)
    (server,) = gate.children(recursive=True)
    assert server.name().startswith("temporal")
    assert not Path(f"/proc/{server.pid}/ns/net").samefile("/proc/self/ns/net")
    opened_files = [file for each in (pid, server.pid) for file in _files_of(each)]
    inodes = {str(file.readlink()) for file in opened_files if file.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {int(row[1].split(":")[1], 16) for row in rows if f"socket:[{row[9]}]" in inodes}
    assert ours == set(stack.ports.values()), "nothing else of it listens on this machine"

    with pytest.raises(RuntimeError):
        await Client.connect(address)
    authority = (Path(stack.temporal_secrets or "") / "tls" / "ca.pem").read_bytes()
    with pytest.raises(RuntimeError):
        await Client.connect(address, tls=TLSConfig(server_root_ca_cert=authority))
    assert (await (await home.temporal()).count_workflows()).count == 0

    access = TemporalAccess(home.path / "temporal")
    login = aiohttp.encode_basic_auth("atlas", access.password_file.read_text().strip())
    listing = f"{ui}/api/v1/namespaces/default/workflows"
    async with aiohttp.ClientSession() as browser:
        for url in (ui, listing):
            async with browser.get(url) as answer:
                assert answer.status == 401
        status, listed_runs = 503, ""
        async with asyncio.timeout(100):  # until the Web UI has found the server beside it
            while status == 503:
                async with browser.get(listing, headers={"Authorization": login}) as answer:
                    status, listed_runs = answer.status, await answer.text()
        assert (status, json.loads(listed_runs)) == (200, {}), listed_runs

    assert is_profile(access.profile)
    listed = await asyncio.to_thread(
        subprocess.run,
        [find_temporal(), "workflow", "count"],
        env={**os.environ, "TEMPORAL_CONFIG_FILE": str(access.profile)},
        capture_output=True,
        text=True,
    )
    assert listed.stdout.strip() == "Total: 0", listed.stderr


@needs_network
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_network_of_its_own_needs_no_root() -> None:
    seen = ["/bin/sh", "-c", "id -u; tail -n +3 /proc/net/dev | cut -d: -f1"]
    as_nobody = shim(enclosing(seen), Account(65534, 65534, "dac_read_search"))
    done = subprocess.run(as_nobody, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip("this kernel gives nobody but root a namespace")
    assert done.stdout.split() == ["65534", "lo"], done.stderr


def test_where_there_is_no_such_network_the_server_is_open_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas.embedded.stack_plan.not_enclosable", lambda: "no namespaces")
    temporal = build(Plan(tmp_path, ["true"]), worker_hangs=lambda _: False).temporal
    assert temporal is not None
    assert temporal.access is None
    temporal.port = 4711
    temporal.prepare()
    assert "4711" in temporal.command()
    text = (tmp_path / "temporal" / "client.toml").read_text()
    assert "4711" in text and "tls" not in text
    assert not (tmp_path / "temporal" / "tls").exists()


def test_a_port_in_use_is_an_error_with_its_name(tmp_path: Path) -> None:
    temporal = build(Plan(tmp_path, ["true"]), worker_hangs=lambda _: False).temporal
    assert temporal is not None
    temporal.enclosed = True
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        temporal.port = taker.getsockname()[1]
        with pytest.raises(Exception, match="in use"):
            temporal.prepare()
