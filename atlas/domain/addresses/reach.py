"""Where the pages of a source may be fetched from, beside public hosts at the web's usual ports.

Rules only. What an address is, and whether the operator allows its network at all, is judged where
it is dialled (`atlas.web.address_policy`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING

from atlas.domain.addresses.urls import InvalidUrl, canonicalize, host_named

if TYPE_CHECKING:
    from atlas.domain.sources import SourceSpec

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network
Place = tuple[str, int]
"""Host as a canonical URL spells it, and port."""

ANY = "any"
"""An allowance of every network that the operator allows, as all sources had before 0.4."""

USUAL_PORTS = frozenset((80, 443, *range(8000, 9000)))
USUAL_PORTS_SAID = "80, 443 and 8000 to 8999"

# Where other services than the web listen: https://fetch.spec.whatwg.org/#port-blocking
OTHER_SERVICES = frozenset(
    (
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601),
        *(636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000),
        *(6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)

_HTTP_PORTS = {80: 443, 443: 80}
_HOST_PORT = re.compile(r"(\[[^\]]*\]|[^:/@\s]+)(?::(\d{1,5}))?")
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of a source's `allow`: a host, with a port or at any that is open, or a network."""

    host: str | None = None
    network: IpNetwork | None = None
    port: int | None = None

    def covers(self, place: Place, address: IpAddress | None) -> bool:
        """Whether a host that was found at an address is meant; None: it is known by name only."""
        if self.port not in (None, place[1]):
            return False
        named = self.host is not None and self.host == place[0]
        if self.network is None or address is None:
            return named
        return named or address in self.network


def allowance(text: str) -> Allowance:
    """Read one entry: `wiki.lan`, `wiki.lan:8080`, `10.20.0.5:8080`, `10.20.0.0/16`. `any` has no
    host and no network. Raises ValueError that says what is wrong with it and the fix."""
    if text == ANY:
        return Allowance()
    if "/" in text:
        try:
            return Allowance(network=ip_network(text))
        except ValueError as error:
            raise ValueError(f"is not a network such as 10.20.0.0/16: {error}") from None
    bare = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    parts = _HOST_PORT.fullmatch(bare)
    try:
        host = host_named(parts[1]) if parts else ""
    except InvalidUrl:
        host = ""
    port = int(parts[2]) if parts and parts[2] else None
    if not host or (port is not None and not 0 < port < 65536):
        raise ValueError("is no host; write wiki.lan, wiki.lan:8080 or a network: 10.20.0.0/16")
    try:
        return Allowance(host=host, network=ip_network(host.strip("[]")), port=port)
    except ValueError:
        return Allowance(host=host, port=port)


def place_of(url: str) -> Place:
    """Host and port of a canonical URL."""
    scheme, _, netloc = url.split("/", 3)[:3]
    host, colon, port = netloc.rpartition(":")
    if colon and port.isdecimal():  # and not the last part of an IPv6 address, as in `[::1]`
        return host, int(port)
    return netloc, 443 if scheme == "https:" else 80


class Reach:
    """What one source, or a request without one, opens. `urls` are canonical; one that is no URL
    opens nothing."""

    def __init__(
        self,
        urls: Iterable[str],
        *,
        allow: Sequence[str] = (),
        ports: Sequence[int] = (),
        allow_http: bool = False,
        source: str | None = None,
    ) -> None:
        self._urls = urls
        self._allow = tuple(allow)
        self._ports = frozenset(ports)
        self.allow_http = allow_http
        self._source = source

    @property
    def owner(self) -> str:
        """Who would have to open more, after "no"."""
        return f"rule of source '{self._source}'" if self._source else "source"

    def opens_port(self, url: str) -> bool:
        """Whether the port of a URL is one that pages are fetched from."""
        host, port = place_of(url)
        if port in USUAL_PORTS or port in self._ports:
            return True
        if port in self._own_ports:
            # A source is declared by whoever is responsible; any other request may name any URL.
            return self._source is not None or port not in OTHER_SERVICES
        return any(each.port == port and each.host == host for each in self._allowances)

    def opens(self, url: str, address: IpAddress | None) -> bool:
        """Whether a URL may be fetched from an address that is not public; None: nobody here looks
        its name up, and only the name counts."""
        if ANY in self._allow:
            return True
        place = place_of(url)
        return place in self._own or any(each.covers(place, address) for each in self._allowances)

    def port_fix(self, url: str) -> str:
        """What to do about a refused port."""
        host, port = place_of(url)
        if self._source is None:
            return f"declare a source whose URL is there, or with `--port {port}`"
        return self._allow_as_well(f"{host}:{port}")

    def address_fix(self, url: str) -> str:
        """What to do about a host that is not allowed although its network is."""
        host, port = place_of(url)
        wanted = f"{host}:{port}"
        if self._source is None:
            return f"request it by its own URL, or declare a source with `--allow {wanted}`"
        return self._allow_as_well(wanted)

    def http_fix(self) -> str:
        """What to do about a redirect from https to http."""
        return f"if it must, {self._edit('--allow-http')}" if self._source else ""

    def _allow_as_well(self, entry: str) -> str:
        # Lists are replaced as a whole, so the command repeats what is there.
        option, kept = f"--allow {entry}", [f"--allow {each}" for each in self._allow]
        few = len(kept) < _MOST_SHOWN
        return self._edit(*kept, option) if few else self._edit(option, "and the ones it has")

    def _edit(self, *options: str) -> str:
        return f"`atlas sources edit {self._source} {' '.join(options)}` (no restart is needed)"

    @cached_property
    def _allowances(self) -> tuple[Allowance, ...]:
        return tuple(map(allowance, self._allow))

    @cached_property
    def _own(self) -> frozenset[Place]:
        """Of the declared URLs; a site at http is the same at https, and the other way round."""
        own = set()
        for origin in {"/".join(url.split("/", 3)[:3]) for url in self._urls}:
            with suppress(InvalidUrl):  # its listing reports it by name, and it opens nothing
                own.add(place_of(canonicalize(origin)))
        return frozenset(own | {(h, _HTTP_PORTS[p]) for h, p in own if p in _HTTP_PORTS})

    @cached_property
    def _own_ports(self) -> frozenset[int]:
        return frozenset(port for _, port in self._own)


def reach_of(spec: SourceSpec) -> Reach:
    """Of a source."""
    return Reach(
        spec.urls,
        allow=spec.allow,
        ports=spec.ports,
        allow_http=spec.allow_http,
        source=spec.name,
    )
