"""One Atlas per test, with a calendar and a resolver of the test's own."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from atlas.domain.politeness import adaptive_delay
from atlas.web import transport
from tests.authority import Authority
from tests.e2e.conftest import atlas_env, origin
from tests.origin import Origin
from tests.outage.calendar import calendar
from tests.outage.site import Site

__all__ = ["atlas_env", "calendar", "origin"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], str]]:
    """What names lead to, for this process; others are resolved by the machine."""
    found: dict[str, Callable[[], str]] = {}
    resolve = socket.getaddrinfo

    def look(host: Any, *rest: Any, **named: Any) -> Any:
        return resolve(found[host]() if host in found else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    # aiohttp keeps addresses for ten seconds of real time, in which a fast machine finishes a day.
    fresh = partial(transport._Connector, use_dns_cache=False)
    monkeypatch.setattr(transport, "_Connector", fresh)
    return found


@dataclass
class Web:
    """What the sites of one test stand on."""

    names: dict[str, Callable[[], str]]
    certificates: dict[str, tuple[Path, Path]]
    opened: AsyncExitStack

    async def site(self, kind: str, pages: int, number: int = 0, *, tls: bool = False) -> Site:
        """A site on an origin of its own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        origin = await self.opened.enter_async_context(Origin(tls=context))
        return Site(origin, pages, kind, self.names, number, self.certificates)


@pytest.fixture
async def web(
    names: dict[str, Callable[[], str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Web]:
    """As many sites as the test asks for; the authority of their good certificates is trusted."""
    folders = [tmp_path / "trusted", tmp_path / "nobody"]
    for folder in folders:
        folder.mkdir()
    trusted, nobody = map(Authority, folders)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted.certificate))
    hosts = [f"docs{number}.test" for number in range(100)]
    certificates = {
        "good": trusted.issue("good", *hosts),
        "out of date": trusted.issue("late", *hosts, ends=timedelta(hours=-1)),
        "of another host": trusted.issue("other", "other.test"),
        "of nobody known": nobody.issue("nobody", *hosts),
    }
    async with AsyncExitStack() as opened:
        yield Web(names, certificates, opened)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that fails is asked again in a second, given up after five, and hardly slower than
    before: pauses are of real time, unlike the calendar's days."""
    monkeypatch.setenv("ATLAS_HOST_PAUSE", "1")
    monkeypatch.setenv("ATLAS_FETCH_PATIENCE", "5")
    monkeypatch.setattr(adaptive_delay, "_FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(adaptive_delay, "LONGEST", 0.05)
