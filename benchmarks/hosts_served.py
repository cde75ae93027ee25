"""A thousand hosts on loopback: every 127.x.y.z is one, and the address says how it behaves."""

from __future__ import annotations

import asyncio
import sys

from benchmarks.pages_served import body

TROUBLES = ("refuses", "silent", "drips", "429", "503", "loops", "headers")
"""What the hostile hosts do. Those that refuse have a port of their own, which nobody serves."""


def address(network: int, host: int) -> str:
    """The address of one host of a run's network."""
    return f"127.{network}.{host // 250}.{host % 250 + 1}"


def trouble(host: int) -> str | None:
    """What is wrong with a host of a network with trouble: every tenth has some."""
    return None if host % 10 else TROUBLES[host // 10 % len(TROUBLES)]


async def serve(bad_network: int) -> None:
    """Serve until terminated; prints the port. Only hosts of `bad_network` give trouble."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, network, high, low = map(int, writer.get_extra_info("sockname")[0].split("."))
        wrong = trouble(high * 250 + low - 1) if network == bad_network else None
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                await answer(writer, line.split()[1].decode(), wrong, high * 250 + low)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "0.0.0.0", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def answer(writer: asyncio.StreamWriter, path: str, wrong: str | None, host: int) -> None:
    """Answer one request as the host does."""
    if wrong == "silent":
        await asyncio.sleep(3600)
    if path == "/robots.txt":
        send(writer, "404 Not Found", b"")
    elif wrong == "drips":
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n"
        )
        for _ in range(100_000):
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(1)
    elif wrong in ("429", "503"):
        send(writer, f"{wrong} Wait", b"")
    elif wrong == "loops":
        send(writer, "302 Found", b"", f"Location: {path}x\r\n")
    elif wrong == "headers":
        send(writer, "200 OK", b"", f"X-Huge: {'x' * 100_000}\r\n")
    else:
        send(writer, "200 OK", body(host * 1000 + int(path.rpartition("/")[2])))
    await writer.drain()


def send(writer: asyncio.StreamWriter, status: str, content: bytes, headers: str = "") -> None:
    """Write an answer with its body."""
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n{headers}"
        f"Content-Length: {len(content)}\r\n\r\n".encode()
        + content
    )


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
