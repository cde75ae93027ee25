"""The ports of Atlas's own parts: no page is fetched from them, whatever networks are allowed.

Temporal's API, its Web UI, the database's and the blob store's server and the metrics trust who
reaches them, and a worker does. They are known by the address that is dialled: this machine has
more spellings than one (127.0.0.2, ::ffff:127.0.0.1, 0.0.0.0, its own address in the network).
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

IpAddress = IPv4Address | IPv6Address
Endpoint = tuple[str, int]
"""Host name or address, and port."""

CODEC_PORT = 8889
"""Where `atlas codec` decrypts for people, unless it is given another port."""

_USUAL = {"http": 80, "https": 443}
_RESOLVED_FOR = 60.0  # seconds
_ANY_PORT = 9  # of a datagram socket that is never written to


class OwnPorts:
    """What must not be dialled. Names are looked up by `look`, addresses are known at once."""

    def __init__(self, endpoints: Iterable[Endpoint] = ()) -> None:
        self._names: list[Endpoint] = []
        self._here: set[int] = {CODEC_PORT}
        self._there: dict[Endpoint, frozenset[IpAddress]] = {}
        self._looked = float("-inf")
        for host, port in endpoints:
            try:
                self._learn((host, port), [ip_address(host.strip("[]") or "127.0.0.1")])
            except ValueError:
                self._names.append((host, port))
                if host.lower() == "localhost":
                    self._here.add(port)

    async def look(self) -> None:
        """Look the names up, if that was a while ago; one that has no address keeps its last."""
        now = time.monotonic()
        if not self._names or now - self._looked < _RESOLVED_FOR:
            return
        self._looked = now
        for endpoint in self._names:
            try:
                self._learn(endpoint, await addresses_of(*endpoint))
            except OSError:
                continue

    def _learn(self, endpoint: Endpoint, addresses: Iterable[IpAddress]) -> None:
        found = frozenset(addresses)
        self._there[endpoint] = found
        if any(map(is_this_machine, found)):
            self._here.add(endpoint[1])

    def named(self, host: str, port: int) -> bool:
        """Whether one of Atlas's own parts has that name; not one in the public internet, which
        it may share with others."""
        for name, its_port in self._names:
            if (name.lower(), its_port) == (host, port):
                found = self._there.get((name, its_port), frozenset())
                return not found or not all(address.is_global for address in found)
        return False

    def has(self, address: IpAddress, port: int) -> bool:
        """Whether one of Atlas's own parts answers at an address that may be dialled."""
        if port in self._here and is_this_machine(address):
            return True
        return any(
            port == its_port and address in addresses and not address.is_global
            for (_, its_port), addresses in self._there.items()
        )


async def addresses_of(host: str, port: int) -> list[IpAddress]:
    """The addresses of a host. Raises OSError, also for a name that cannot be one."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from None
    return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]


def is_this_machine(address: IpAddress) -> bool:
    """Whether what is sent to the address stays on this machine."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        # Connecting a datagram socket sends nothing: the kernel only chooses the sender's address,
        # and that of what goes to oneself is oneself.
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), _ANY_PORT))
            return ip_address(str(probe.getsockname()[0]).partition("%")[0]) == address
    except OSError:
        return False


def endpoint_of(address: str | None, usual_port: int | None = None) -> list[Endpoint]:
    """The host and port of `host:port` or a URL; None if there is none."""
    if not address:
        return []
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        port = parts.port or _USUAL.get(parts.scheme, usual_port)
    except ValueError:
        return []
    return [(parts.hostname or "", port)] if port else []
