"""Which network addresses may be dialled: no crawled page leads Atlas into a private network.

The check runs on the address that is dialled, at that moment: names, literals, redirects and a
name that resolves differently the second time all pass here. The networks that the operator allows
are an outer bound: within it a source opens the hosts of its own URLs and what its rule `allow`
names. Where a public page leads, and Atlas's own ports, nothing opens.

`ipaddress.is_global` is no guide (it calls ::127.0.0.1, 2002::/16, fec0::/10 and multicast global),
so the list is explicit: the IANA special-purpose registries (RFC 6890) and what clouds use for
metadata.
"""

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from atlas.domain.addresses.local_names import is_local_name, is_this_machine_by_name
from atlas.domain.addresses.reach import IpAddress, IpNetwork, Reach, allowance, place_of
from atlas.web.own_ports import OwnPorts

_DENIED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local or cloud metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_DENIED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::1/128", "loopback"),
        ("::/128", "unspecified"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard-only"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("3ffe::/16", "reserved"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
# Link-local, and where clouds hand out credentials: Azure's, Alibaba's, Oracle's, Amazon's and
# Google's over IPv6.
_METADATA: tuple[IpNetwork, ...] = tuple(
    ip_network(network)
    for network in (
        *("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"),
        *("fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1
# An IPv4 address in the last 32 bits: mapped, compatible, translated (RFC 2765), NAT64.
_TRAILING_V4 = (_MAPPED, IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"), _NAT64)
_SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056
_TEREDO = IPv6Network("2001::/32")  # RFC 4380, 4
_GLOBAL_V6 = (IPv6Network("2000::/3"), _NAT64, IPv6Network("::ffff:0:0:0/96"))
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, 6.1: upper half of the interface identifier
_LOW_32 = 0xFFFFFFFF
_LOOPBACK = IPv4Address("127.0.0.1")
_LED_PUBLICLY = (
    "although its network is allowed, only a source or request of its own, or a page in an allowed "
    "network, leads there"
)


class AddressRefused(OSError):
    """The policy forbids an address; raised while dialling, so it must be an OSError."""

    def __init__(self, address: str, reason: str, fix: str = "") -> None:
        fix = fix or (
            "to allow it, add its network to ATLAS_FETCH_ALLOW_NETWORKS, for workers (they read it "
            "when they start: restart them) and for `atlas` commands"
        )
        super().__init__(f"address {address} is {reason}; {fix}")
        self.address = address
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a connection is for: a URL, and what its source opens."""

    url: str
    reach: Reach


class AddressPolicy:
    """Refuses addresses that are not public, except in `allow_networks` (CIDRs), and what `own`
    has, always."""

    def __init__(
        self, allow_networks: Iterable[str | IpNetwork] = (), own: OwnPorts | None = None
    ) -> None:
        self._allowed = tuple(ip_network(network) for network in allow_networks)
        self.own = own or OwnPorts()

    @property
    def opens(self) -> bool:
        """Whether any private network is allowed."""
        return bool(self._allowed)

    def outside(self, allow: Iterable[str]) -> list[str]:
        """The entries of a source's `allow` that no allowed network contains, as far as they name
        addresses: a host name is judged when it is dialled."""
        named = ((entry, allowance(entry).network) for entry in allow)
        return [entry for entry, network in named if network and not self._contains(network)]

    @property
    def said(self) -> str:
        """The allowed networks, in words."""
        return ", ".join(map(str, self._allowed)) or "none"

    def check(
        self,
        ip: str | IpAddress,
        port: int | None = None,
        *,
        led_publicly: bool = False,
        purpose: Purpose | None = None,
    ) -> None:
        """Raise AddressRefused unless `ip`, and every IPv4 inside it, may be dialled.

        `led_publicly`: something at a public address led here, a redirect or a listing. `purpose`:
        for which URL, and what its source allows; without it only the operator's bound counts.
        """
        for inner in _with_inner(ip):
            private = _special(inner)
            if private and not self._is_allowed(inner):
                raise AddressRefused(str(ip), private)
            if port is not None and self.own.has(inner, port):
                raise _own_part(f"{ip} port {port}")
            if private and led_publicly:
                raise AddressRefused(
                    str(ip),
                    f"{private}, and a public page led there, or its name had a public address",
                    _LED_PUBLICLY,
                )
            if private and purpose and not purpose.reach.opens(purpose.url, inner):
                raise AddressRefused(
                    str(ip),
                    f"{private}, in a network that ATLAS_FETCH_ALLOW_NETWORKS allows, but no "
                    f"{purpose.reach.owner} allows it",
                    purpose.reach.address_fix(purpose.url),
                )

    def socket_factory(
        self,
        addr_info: tuple[Any, ...],
        *,
        led_publicly: bool = False,
        purpose: Purpose | None = None,
    ) -> socket.socket:
        """For `aiohttp.TCPConnector`: sees each address right before it is dialled."""
        family, kind, protocol, _, sockaddr = addr_info
        self.check(sockaddr[0], sockaddr[1], led_publicly=led_publicly, purpose=purpose)
        return socket.socket(family=family, type=kind, proto=protocol)

    def check_unresolved(self, purpose: Purpose, *, led_publicly: bool = False) -> None:
        """Raise AddressRefused unless a proxy, which looks its name up, may be asked for the URL.

        An address in the URL is judged as if it were dialled here. Of a name, only whether it
        belongs to a local network: what address it has is for the proxy to judge.
        """
        host, port = place_of(purpose.url)
        name = host.removesuffix(".").lower()
        try:
            literal = ip_address(host.strip("[]"))
        except ValueError:
            if self.own.named(name, port):
                raise _own_part(f"{host} port {port}") from None
            if is_this_machine_by_name(name):
                self.check(_LOOPBACK, port, led_publicly=led_publicly, purpose=purpose)
            elif is_local_name(name):
                self._check_local(host, purpose, led_publicly=led_publicly)
        else:
            self.check(literal, port, led_publicly=led_publicly, purpose=purpose)

    def _check_local(self, host: str, purpose: Purpose, *, led_publicly: bool) -> None:
        reason = "a name of local networks"
        if not self.opens:
            raise AddressRefused(host, reason)
        if led_publicly:
            raise AddressRefused(host, f"{reason}, and a public page led there", _LED_PUBLICLY)
        if not purpose.reach.opens(purpose.url, None):
            said = f"{reason}, but no {purpose.reach.owner} allows it"
            raise AddressRefused(host, said, purpose.reach.address_fix(purpose.url))

    def _contains(self, network: IpNetwork) -> bool:
        alone = network.num_addresses == 1
        if alone and is_public(network.network_address):
            return True  # open to everybody; the entry may open a port
        return any(_within(network, outer) for outer in self._allowed)

    def _is_allowed(self, address: IpAddress) -> bool:
        return any(address in network for network in self._allowed)


class ReceiverPolicy:
    """For an address that the operator set: any but link-local ones and those where clouds hand out
    credentials, to which no message of Atlas belongs. `setting` is named in the refusal."""

    def __init__(self, setting: str) -> None:
        self._setting = setting
        self.refused: AddressRefused | None = None

    def check(self, ip: str | IpAddress) -> None:
        """Raise AddressRefused if `ip`, or an IPv4 inside it, is one of those; keep it."""
        for inner in _with_inner(ip):
            if any(inner in network for network in _METADATA):
                fix = f"set {self._setting} to an address that takes messages"
                self.refused = AddressRefused(str(ip), "link-local or cloud metadata", fix)
                raise self.refused

    def socket_factory(self, addr_info: tuple[Any, ...]) -> socket.socket:
        """For `aiohttp.TCPConnector`: sees each address right before it is dialled."""
        family, kind, protocol, _, sockaddr = addr_info
        self.check(sockaddr[0])
        return socket.socket(family=family, type=kind, proto=protocol)


def is_public(ip: str | IpAddress) -> bool:
    """Whether the address, and every IPv4 inside it, is one of the public internet."""
    return not any(map(_special, _with_inner(ip)))


def _own_part(where: str) -> AddressRefused:
    return AddressRefused(
        where,
        "a part of Atlas itself",
        "no page is fetched there, whatever ATLAS_FETCH_ALLOW_NETWORKS allows",
    )


def _within(network: IpNetwork, outer: IpNetwork) -> bool:
    if isinstance(network, IPv4Network) and isinstance(outer, IPv4Network):
        return network.subnet_of(outer)
    if isinstance(network, IPv6Network) and isinstance(outer, IPv6Network):
        return network.subnet_of(outer)
    return False


def _special(address: IpAddress) -> str | None:
    """What the address is for, if not for the public internet."""
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _DENIED_V4 if address in network), None)
    return next((reason for network, reason in _DENIED_V6 if address in network), None) or (
        None if any(address in network for network in _GLOBAL_V6) else "not globally routed"
    )


def _with_inner(ip: str | IpAddress) -> tuple[IpAddress, ...]:
    address = _unmapped(ip_address(str(ip).partition("%")[0]))
    return (address, *embedded_ipv4(address))


def embedded_ipv4(address: IpAddress) -> Iterator[IPv4Address]:
    """Every IPv4 address that `address` would lead to by a translation or a tunnel."""
    if isinstance(address, IPv4Address):
        return
    bits = int(address)
    if any(address in network for network in _TRAILING_V4) or (bits >> 32) & _LOW_32 in _ISATAP:
        yield IPv4Address(bits & _LOW_32)
    if address in _SIX_TO_FOUR:
        yield IPv4Address((bits >> 80) & _LOW_32)
    if address in _TEREDO:  # the server, and the client with its bits inverted
        yield IPv4Address((bits >> 64) & _LOW_32)
        yield IPv4Address(~bits & _LOW_32)


def _unmapped(address: IpAddress) -> IpAddress:
    # The kernel dials the IPv4 address itself, so an allowed IPv4 network covers it.
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return IPv4Address(int(address) & _LOW_32)
    return address
