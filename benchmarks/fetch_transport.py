"""Requests per second of the whole WebClient against plain httpx, in the same run.

    .venv/bin/python -m benchmarks.fetch_transport [requests]

The server runs in a process of its own. WebClient does everything it does for a real page
(robots.txt, slots, guard, bounded decoding, canonical URLs); plain httpx only GETs and reads.
The ratio holds better than the rates.
"""

import asyncio
import multiprocessing
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing.connection import Connection

import httpx

from atlas.domain.fetch import FetchRequest
from atlas.web.address_policy import AddressPolicy
from atlas.web.client import WebClient
from atlas.web.politeness import OpenSlots
from atlas.worker.robots_parser import parsing_robots

_BODY = b"<p>" + b"text of a page, eight kilobytes in all. " * 200
_ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: "1"\r\n'
    b"Content-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_IN_FLIGHT = 10
_ROUNDS = 3


class _Server(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))


async def _serve(told: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _serve_forever(told: Connection) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(told))


class _Discard:
    async def write(self, chunk: bytes) -> None:
        """Nothing is kept."""


async def _rate(ask: Callable[[str], Awaitable[object]], base: str, count: int) -> float:
    """Requests per second of this process's own CPU time, `_IN_FLIGHT` at once."""
    urls = iter([f"{base}/page/{number}" for number in range(count)])

    async def lane() -> None:
        for url in urls:
            await ask(url)

    began = _cpu_seconds()
    await asyncio.gather(*(lane() for _ in range(_IN_FLIGHT)))
    return count / (_cpu_seconds() - began)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _compare(base: str, count: int) -> None:
    slots, sink = OpenSlots(), _Discard()
    async with (
        parsing_robots() as parse_robots,
        WebClient(policy=AddressPolicy(["127.0.0.0/8"]), parse_robots=parse_robots) as ours,
        httpx.AsyncClient(trust_env=False) as plain,
    ):

        async def ask_ours(url: str) -> object:
            return await ours.fetch(FetchRequest(url), sink, slots)

        for _ in range(_ROUNDS):
            started = time.monotonic()
            web_client = await _rate(ask_ours, base, count)
            httpx_alone = await _rate(plain.get, base, count)
            print(
                f"WebClient {web_client:6.0f}/s, plain httpx {httpx_alone:6.0f}/s per core; "
                f"ratio {web_client / httpx_alone:.2f} ({time.monotonic() - started:.1f} s)"
            )


def main(count: int = 1000) -> None:
    """Run both clients in turn, three rounds, and print the ratio of each."""
    receiver, told = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(
        target=_serve_forever, args=(told,), daemon=True
    )
    server.start()
    try:
        asyncio.run(_compare(f"http://127.0.0.1:{receiver.recv()}", count))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
