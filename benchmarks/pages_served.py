"""Serves generated article pages on a free loopback port; prints its address."""

from __future__ import annotations

import asyncio
import random
import sys

WORDS = (
    "harbour lantern ferry tide keeper engine ledger window copper "
    "meadow signal winter bread anchor chart compass library market "
    "orchard pebble quarry river sail timber valley weather between "
    "through against beneath carried followed measured repaired remembered gathered"
).split()


def body(number: int) -> bytes:
    """One page of about 500 words, its own by the number that seeds it."""
    rng = random.Random(number)
    paragraphs = "".join(
        f"<p>{' '.join(rng.choice(WORDS) for _ in range(60)).capitalize()} {number}-{part}.</p>"
        for part in range(8)
    )
    links = "".join(f'<li><a href="/page/{rng.randrange(10**6)}">more</a></li>' for _ in range(30))
    return (
        f"<!doctype html><html lang=en><head><title>Page {number}</title></head><body>"
        f"<nav><ul>{links}</ul></nav><main><h1>Page {number}</h1>{paragraphs}</main>"
        "<footer>Footer of every page</footer></body></html>"
    ).encode()


async def serve(pages: int) -> None:
    """Serve until terminated."""
    bodies = {f"/page/{number}": body(number) for number in range(pages)}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            path = line.split()[1].decode()
            content = bodies.get(path)
            status = "200 OK" if content else "404 Not Found"
            content = content or b""
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n"
                f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
