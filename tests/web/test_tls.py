"""HTTPS: an authority must vouch for the server, the system's own list included."""

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atlas.domain.errors import ErrorClass
from atlas.domain.fetch import RobotsMode
from tests.web.fetching import get, refused, web

# A self-signed certificate for localhost and its key, made for these tests, good for 100 years.
PEM = Path(__file__).parent / "tls" / "localhost.pem"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsafe")
    writer.close()
    await writer.wait_closed()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def _https_server() -> AsyncIterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    async with await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_certificate_nobody_vouches_for() -> None:
    async with _https_server() as url, web() as (client, _):
        error = await refused(client, url, robots=RobotsMode.IGNORE)
        assert (error.error_class, error.code) == (ErrorClass.TRANSIENT, "tls_certificate")


async def test_an_authority_of_the_system_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    async with _https_server() as url, web() as (client, _):
        assert (await get(client, url, robots=RobotsMode.IGNORE))[1] == b"safe"


async def test_a_server_that_speaks_no_tls() -> None:
    async with web() as (client, _):
        async with await asyncio.start_server(_hang_up, "127.0.0.1", 0) as server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            error = await refused(client, url, robots=RobotsMode.IGNORE)
        assert (error.error_class, error.code) == (ErrorClass.TRANSIENT, "tls_failure")


@pytest.mark.parametrize(
    "program",
    ["from starter.cli import entry; entry()", "import worker; worker.main()"],
    ids=["commands", "worker"],
)
def test_no_library_of_a_process_of_ours_keeps_keys(program: str, tmp_path: Path) -> None:
    """PostgreSQL's, S3's and OpenTelemetry's would, each in its own way."""
    tell = "atexit.register(lambda: print('SSLKEYLOGFILE' in os.environ))"
    ran = subprocess.run(
        [sys.executable, "-c", f"import atexit, os\n{tell}\n{program}", "--version"],
        # A setting that cannot be used: the worker refuses to start.
        env={**os.environ, "SSLKEYLOGFILE": str(tmp_path / "k"), "ATLAS_FETCH_TIMEOUT": "soon"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.stdout.splitlines()[-1] == "False", ran
