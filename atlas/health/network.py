"""Outbound connections to the addresses in the settings: name, TCP connection, certificate."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from atlas.domain.addresses.urls import InvalidUrl, serialized
from atlas.health.probe import ProbeResult, Unwell, degraded
from atlas.web.address_policy import ReceiverPolicy
from atlas.web.tls import client_tls

SECONDS = 8.0
"""For the name, the connection and the handshake together."""
SOON = timedelta(days=14)
"""A certificate that expires sooner is reported."""

WEBHOOK = "ATLAS_ALERT_WEBHOOK"
MEND = "Check DNS, the firewall, and the address"


async def reached(name: str, url: str, now: datetime) -> ProbeResult:
    """Connect to the host of `url`, which the setting `name` has; with TLS where it says https."""
    try:
        parts = urlsplit(serialized(url))  # as it is read when something is sent there
    except InvalidUrl:
        raise Unwell(f"{name} is not a usable URL", f"Correct {name}") from None
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(SECONDS):
            if name == WEBHOOK:
                await _check_receiver(host, port)
            certificate = await _connected(host, port, secure=secure)
    except socket.gaierror as error:
        raise Unwell(
            f"{where}: the name cannot be resolved: {error.strerror}", f"{MEND} in {name}"
        ) from None
    except ssl.SSLCertVerificationError as error:
        said = f"{where}: its certificate is refused: {error.verify_message}"
        raise Unwell(said, "Fix it there, or trust its issuer here (SSL_CERT_FILE)") from None
    except TimeoutError:
        raise Unwell(f"{where}: no answer in {SECONDS:.0f} s", f"{MEND} in {name}") from None
    except OSError as error:
        raise Unwell(f"{where}: {error.strerror or error}", f"{MEND} in {name}") from None
    return _judged(where, certificate, now)


async def _check_receiver(host: str, port: int) -> None:
    """Raise AddressRefused if an alert would not be sent there."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, sockaddr in found:
        ReceiverPolicy(WEBHOOK).check(str(sockaddr[0]))


async def _connected(host: str, port: int, *, secure: bool) -> dict[str, object] | None:
    context = client_tls() if secure else None
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        found = writer.get_extra_info("peercert")
        return dict(found) if found else None
    finally:
        writer.close()
        with suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


def _judged(where: str, certificate: dict[str, object] | None, now: datetime) -> ProbeResult:
    if certificate is None:
        return ProbeResult(f"{where} accepts connections")
    seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    ends = datetime.fromtimestamp(seconds, UTC)
    said = f"{where} accepts connections; its certificate ends on {ends:%Y-%m-%d}"
    if ends - now < SOON:
        return degraded(said, "Renew the certificate there")
    return ProbeResult(said)
