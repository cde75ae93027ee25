"""What a port answers to somebody who brings no credentials.

Also run by itself, in a container beside others: `python ports.py HOST:PORT…` prints JSON.
Nothing but the standard library, therefore.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

SECONDS = 5.0
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How HTTP/2, and so gRPC, begins (RFC 9113, 3.4), with an empty frame of settings."""
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def answer(host: str, port: int) -> str:
    """`closed`, `silent`, `http <status>`, or `http/2` (gRPC, too), `http/2 over tls`."""
    try:
        socket.create_connection((host, port), SECONDS).close()
    except OSError:
        return "closed"
    for over_tls in (False, True):
        said = _sent(host, port, PREFACE, over_tls=over_tls)
        if len(said) >= 9 and said[:1] == b"\0" and said[3] == 4:  # a frame of settings
            return "http/2 over tls" if over_tls else "http/2"
    status = re.match(rb"HTTP/1\.[01] (\d{3})", _sent(host, port, REQUEST, over_tls=False))
    return f"http {int(status[1])}" if status else "silent"


def answers(addresses: Collection[str]) -> dict[str, str]:
    """The same of each host:port, asked at once: where packets are dropped, it takes its time."""

    def asked(address: str) -> str:
        host, _, port = address.rpartition(":")
        return answer(host, int(port))

    with ThreadPoolExecutor(max(len(addresses), 1)) as threads:
        return dict(zip(addresses, threads.map(asked, addresses), strict=True))


def _sent(host: str, port: int, what: bytes, *, over_tls: bool) -> bytes:
    try:
        with socket.create_connection((host, port), SECONDS) as plain:
            if not over_tls:
                return _exchange(plain, what)
            with _anybody().wrap_socket(plain, server_hostname=host) as secret:
                return _exchange(secret, what)
    except OSError:  # reset, or the handshake refused
        return b""


def _exchange(connection: socket.socket, what: bytes) -> bytes:
    connection.settimeout(SECONDS)
    connection.sendall(what)
    return connection.recv(4096)


def _anybody() -> ssl.SSLContext:
    """A client that trusts every server, and has no certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def open_to_others(table: str) -> set[int]:
    """The TCP ports that /proc/net/tcp and tcp6 show as listening on more than loopback."""
    rows = (line.split() for line in table.splitlines())
    listening = [row[1] for row in rows if len(row) > 3 and row[3] == "0A"]
    found = [address.split(":") for address in listening]
    return {int(port, 16) for host, port in found if not _is_loopback(host)}


def _is_loopback(host: str) -> bool:
    # Hexadecimal, in the byte order of the machine: each word of four bytes is turned round.
    return host.endswith("7F") if len(host) == 8 else host == "00000000000000000000000001000000"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answers(sys.argv[1:])))
