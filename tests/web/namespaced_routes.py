"""A program for a network namespace of its own: all routes of `test_every_route`, where only
forbidden addresses can be reached, and one public site that leads to them.

    unshare -rn python -m tests.web.namespaced_routes STEP

Something listens at every forbidden address. What counts are the packets that ask for a connection,
as the kernel shows them: nothing of Python, of Atlas or of this program is between. It prints what
it saw as JSON.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import socket
import struct
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from tests.web import test_every_route as routes
from tests.web.reach import FORBIDDEN_V4, FORBIDDEN_V6, METADATA

SITE = "93.184.215.14"
"""A public address, as far as this namespace is concerned ours."""
NETWORKS = (
    *("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    *("192.0.0.0/24", "198.18.0.0/15", "168.63.129.16/32"),
)
NETWORKS_V6 = (
    *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23", "2001:db8::/32", "fc00::/7"),
    *("fec0::/10", "100::/64", "3fff::/20", "5f00::/16", "2606:4700::/96"),
)
# Not to be had as one's own: a multicast or broadcast address, "this network", a scope, `::`.
UNREACHABLE = {"224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1", "fe80::1", "::"}
PORTS = (80, 81, 443)
SO_ATTACH_FILTER = 26
# Classic BPF: IPv4 or IPv6, TCP, SYN without ACK; the kernel sends no IPv6 extension headers.
_SYN = (
    *((0x30, 0, 0, 0), (0x54, 0, 0, 0xF0), (0x15, 0, 6, 0x40)),  # the version
    *((0x30, 0, 0, 9), (0x15, 0, 11, 6)),  # IPv4: the protocol
    *((0xB1, 0, 0, 0), (0x50, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 6, 7, 2)),  # and the flags
    *((0x15, 0, 6, 0x60), (0x30, 0, 0, 6), (0x15, 0, 4, 6)),  # IPv6: likewise
    *((0x30, 0, 0, 53), (0x54, 0, 0, 0x12), (0x15, 0, 1, 2)),
    *((0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)),  # taken, left
)
Packet = tuple[str, int]


def prepare() -> None:
    """Let all forbidden networks be this machine's, and the public address."""
    _ip("link", "set", "lo", "up")
    for network in (*NETWORKS, f"{SITE}/32"):
        _ip("route", "add", "local", network, "dev", "lo")
    for network in NETWORKS_V6:
        _ip("-6", "route", "add", "local", network, "dev", "lo")


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


class Packets:
    """Every TCP packet on the loopback device that asks for a connection."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        # In the kernel, or the packets of the exchanges themselves would fill the socket's buffer.
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in _SYN))
        given = struct.pack("HL", len(_SYN), ctypes.addressof(program))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, given)
        self._socket.bind(("lo", 0))
        self._socket.setblocking(False)
        self._found: Counter[Packet] = Counter()
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        """The kernel shows each packet twice, as it comes and as it goes."""
        with suppress(BlockingIOError):
            while True:
                packet, (_, _, kind, *_) = self._socket.recvfrom(128)
                if kind == socket.PACKET_OUTGOING and (asked := _asks(packet)):
                    self._found[asked] += 1

    def take(self) -> Counter[Packet]:
        """Those since the last call."""
        self._read()
        found, self._found = self._found, Counter()
        return found

    def lost(self) -> int:
        """How many the kernel could not keep (packet(7), PACKET_STATISTICS)."""
        return int(struct.unpack("II", self._socket.getsockopt(263, 6, 8))[1])


def _asks(packet: bytes) -> Packet | None:
    version = packet[0] >> 4
    if version == 4 and packet[9] == socket.IPPROTO_TCP:
        head, to = (packet[0] & 15) * 4, str(IPv4Address(packet[16:20]))
    elif version == 6 and packet[6] == socket.IPPROTO_TCP:
        head, to = 40, str(IPv6Address(packet[24:40]))
    else:
        return None
    flags, port = packet[head + 13], int.from_bytes(packet[head + 2 : head + 4], "big")
    return (to, port) if flags & 0x12 == 0x02 else None  # SYN without ACK


async def listen(private_port: int) -> list[asyncio.Server]:
    """Something that answers at every address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
        writer.close()

    servers = [await asyncio.start_server(answer, "::", port) for port in PORTS]
    servers += [await asyncio.start_server(answer, "0.0.0.0", port) for port in PORTS]
    return [*servers, await asyncio.start_server(answer, "::", private_port)]


async def reachable() -> list[str]:
    """The forbidden addresses at which something answers."""
    found = []
    for address in (*FORBIDDEN_V4, *FORBIDDEN_V6, *METADATA):
        if address not in UNREACHABLE:
            _, writer = await asyncio.open_connection(address, 81)
            writer.close()
            found.append(address)
    return found


async def main(step: int) -> None:
    prepare()
    packets = Packets()
    report: dict[str, object] = {}
    async with routes.world(pytest.MonkeyPatch(), routes.BOUND, SITE, really=True) as here:
        here.every = step
        await listen(here.port)
        answered = await reachable()
        probed = packets.take()
        here.net.connected.clear()
        assert set(answered) <= {address for address, _ in probed}, "packets are not seen"
        report["answered"] = answered
        for route in routes.ROUTES_AND_SENDERS:
            codes = await route(here)
            asked = packets.take()
            stray = sorted({f"{to} {port}" for to, port in asked if to != SITE})
            report[route.__name__] = {
                "codes": sorted(codes),
                "asked": sum(asked.values()),
                "stray": stray,
            }
        # Without the rules the same packets are seen.
        _, writer = await asyncio.open_connection(str(ip_address("10.9.8.7")), 81)
        writer.close()
        report["after"] = [f"{to} {port}" for to, port in packets.take()]
        report["lost"] = packets.lost()
        here.net.connected.clear()
    print(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
