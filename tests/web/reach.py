"""What tests of "who may go where" stand on: addresses that count as public, a resolver of our own,
a count of what is really connected to, and forbidden addresses in every spelling."""

import asyncio
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Any

import pytest

from atlas.web import address_policy

PUBLIC = "127.0.0.2"
"""Once `as_public` was called."""


def as_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all of loopback but 127.0.0.0 and 127.0.0.1 count as public."""
    denied = tuple(row for row in address_policy._DENIED_V4 if row[1] != "loopback")
    monkeypatch.setattr(
        address_policy, "_DENIED_V4", (*denied, (IPv4Network("127.0.0.0/31"), "loopback"))
    )


@dataclass
class Net:
    """A small network: names that we resolve, and every connection that this process opens."""

    names: dict[str, Callable[[], str]] = field(default_factory=dict)
    """What a name is, asked again each time; unknown names do not exist."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often a name was looked up."""
    connected: list[tuple[str, int]] = field(default_factory=list)

    def strayed(self, *expected: tuple[str, int]) -> set[tuple[str, int]]:
        """Where connections went but to the expected places."""
        return set(self.connected) - set(expected)

    def rebinding(self, name: str, *addresses: str) -> None:
        """Let a name be each address once, in order, and then from the beginning."""
        queue = list(addresses)

        def turn() -> str:
            queue.append(queue.pop(0))
            return queue[-1]

        self.names[name] = turn


def a_net(monkeypatch: pytest.MonkeyPatch, *, really: bool = False) -> Net:
    """Watch below all of Atlas and its libraries: at the event loop's own connect. An address that
    is none of this machine is not tried, unless `really`: no packet leaves it, and it counts all
    the same."""
    net = Net()
    connected, resolve = BaseSelectorEventLoop.sock_connect, socket.getaddrinfo

    async def connect(loop: Any, sock: socket.socket, address: Any) -> None:
        if sock.type is socket.SOCK_STREAM and sock.family != socket.AF_UNIX:
            net.connected.append((str(address[0]), int(address[1])))
            if not really and not ip_address(str(address[0]).partition("%")[0]).is_loopback:
                raise ConnectionRefusedError(111, "not tried")
        await connected(loop, sock, address)

    def look(host: Any, *rest: Any, **named: Any) -> Any:
        if isinstance(host, str) and not _is_literal(host):
            net.asked[host] += 1
            if host not in net.names and host != "localhost":
                raise socket.gaierror(socket.EAI_NONAME, "no such name here")
            host = net.names[host]() if host in net.names else host
        return resolve(host, *rest, **named)

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", look)
    assert isinstance(asyncio.get_running_loop(), BaseSelectorEventLoop), "it connects elsewhere"
    return net


def _is_literal(host: str) -> bool:
    """Also `2130706433` and the like, which the system's resolver takes for addresses."""
    try:
        socket.inet_aton(host)
    except OSError:
        return ":" in host
    return True


FORBIDDEN_V4 = (
    *("127.0.0.1", "10.9.8.7", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.100.100.200"),
    *("100.64.0.1", "0.0.0.0", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
)
FORBIDDEN_V6 = (
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("64:ff9b:1::1", "3fff::1", "5f00::1", "100::1"),
)
METADATA = ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "169.254.0.1")


def spellings(addresses: tuple[str, ...] = FORBIDDEN_V4 + FORBIDDEN_V6) -> list[str]:
    """Hosts, as a URL may write them, that are those addresses or come close to them."""
    found: dict[str, None] = {}
    for address in addresses:
        parsed = ip_address(address)
        ways = _of_v4(parsed) if isinstance(parsed, IPv4Address) else _of_v6(address)
        found.update(dict.fromkeys(ways))
    return list(found)


def _of_v4(address: IPv4Address) -> Iterator[str]:
    bits, parts = int(address), [int(part) for part in str(address).split(".")]
    dotted = str(address)
    forms = ("{}", "0{:o}", "0x{:x}", "0X{:X}", "{:d}", "000{:o}", "0x00{:02x}")
    for form in forms:
        yield ".".join(form.format(part) for part in parts)
        yield form.format(bits)
        yield form.format(parts[0]) + "." + form.format(bits & 0xFFFFFF)
        yield ".".join([*(form.format(part) for part in parts[:2]), form.format(bits & 0xFFFF)])
    yield f"{parts[0]}.0x{parts[1]:x}.0{parts[2]:o}.{parts[3]}"
    yield from (f"{dotted}.", f"{dotted}:{{port}}", f"user:pw@{dotted}", f"public.example@{dotted}")
    for dot in ("\u3002", "\uff0e", "\uff61", "%2e", "%2E"):
        yield dotted.replace(".", dot)
    yield "".join(chr(0xFF10 + int(c)) if c.isdigit() else c for c in dotted)  # full width
    yield "".join(chr(0x2460 + int(c) - 1) if c in "123456789" else c for c in dotted)  # circled
    yield "".join(f"%{ord(c):02x}" for c in dotted)
    yield dotted[:3] + "\u00ad" + dotted[3:]  # a soft hyphen, which is no letter
    yield dotted[:3] + "\t" + dotted[3:]
    yield dotted[:3] + "\n" + dotted[3:]
    for prefix in ("::ffff:", "::", "::ffff:0:", "64:ff9b::", "2606:4700::5efe:"):
        yield f"[{prefix}{dotted}]"
    high, low = bits >> 16, bits & 0xFFFF
    yield f"[::ffff:{high:x}:{low:x}]"
    yield f"[0:0:0:0:0:FFFF:{high:04X}:{low:04X}]"
    yield f"[2002:{high:x}:{low:x}::]"
    yield f"[2001:0:{high:x}:{low:x}::]"
    yield f"[::ffff:{dotted}%25lo]"


def _of_v6(address: str) -> Iterator[str]:
    whole = ip_address(address).exploded
    yield from (f"[{address}]", f"[{whole}]", f"[{whole.upper()}]", f"[{address}]:{{port}}")
    yield from (f"[{address}%25lo]", f"[{address}%lo]", f"user@[{address}]", f"[{address}].")
    yield from (f"%5b{address}%5d", address)
