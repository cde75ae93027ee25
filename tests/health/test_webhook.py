"""Where alerts go, and what of the environment has no say in it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from atlas.contracts.health import Transition
from atlas.health import network
from atlas.health.probe import Unwell
from atlas.health.webhook import AlertWebhook
from atlas.web import tls
from atlas.web.address_policy import AddressRefused, ReceiverPolicy
from tests.web.test_tls import PEM

pytestmark = pytest.mark.fault(15)

TRANSITION = Transition(
    part="blobs", before="ok", after="failing", since=0.0, detail="full", mend="Free it"
)


@asynccontextmanager
async def receiver(secure: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Takes every POST; its URL, and the heads that came."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    context = None
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PEM)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        scheme, port = "https" if secure else "http", server.sockets[0].getsockname()[1]
        yield f"{scheme}://127.0.0.1:{port}/s3cret", heads


async def send(url: str) -> str | None:
    return await AlertWebhook(url, "default", pauses=()).send("key", 1.0, [TRANSITION])


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with receiver() as (proxy, asked), receiver() as (url, heads):
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        assert await send(url) is None
    assert asked == []
    [head] = heads
    assert b"authorization" not in head.lower()
    assert b"s3cret" in head


async def test_keys_are_written_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    tls._context.cache_clear()
    async with receiver(secure=True) as (url, heads):
        assert await send(url) is None
        await network.reached("ATLAS_ALERT_WEBHOOK", url, datetime.now(UTC))
    assert len(heads) == 1
    assert not (tmp_path / "keys").exists()


METADATA = [
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254"),
    *("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254"),
]


@pytest.mark.parametrize("address", METADATA)
def test_no_alert_goes_to_metadata(address: str) -> None:
    with pytest.raises(AddressRefused, match="set ATLAS_ALERT_WEBHOOK"):
        ReceiverPolicy("ATLAS_ALERT_WEBHOOK").check(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "172.17.0.1", "::1", "fd00::5", "8.8.8.8"]
)
def test_a_receiver_may_be_private(address: str) -> None:
    assert ReceiverPolicy("ATLAS_ALERT_WEBHOOK").check(address) is None


@pytest.mark.parametrize("host", ["169.254.169.254", "0xa9fea9fe", "[::ffff:169.254.169.254]"])
async def test_it_is_refused_when_it_is_dialled_and_not_tried_again(host: str) -> None:
    hook = AlertWebhook(f"http://{host}/s3cret", "default", pauses=(600.0,))
    said = await hook.send("key", 1.0, [TRANSITION])
    assert said is not None
    assert "link-local or cloud metadata" in said
    assert "s3cret" not in said


async def test_the_doctor_says_that_it_is_refused() -> None:
    with pytest.raises(Unwell, match="link-local or cloud metadata"):
        await network.reached("ATLAS_ALERT_WEBHOOK", "http://169.254.169.254/", datetime.now(UTC))
