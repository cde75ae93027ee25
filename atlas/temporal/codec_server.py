"""A server that decrypts for people: Temporal's remote codec protocol, for the Web UI and the CLI.

    POST /decode, /encode    JSON of temporal.api.common.v1.Payloads, in and out

Whoever reaches it reads what was encrypted, so it listens on loopback, answers only requests that
name it by a loopback address (a page of another site could have its own name lead here), and lets
only the Web UI's pages see the answers (CORS).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from aiohttp import web
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payload, Payloads

from atlas.temporal.codec import EncryptingCodec
from atlas.temporal.keyring import EncryptionError, Keyring

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MAX_BODY = 16 * 1024 * 1024  # a page of the Web UI sends the payloads of many events at once
_HEADERS = "Content-Type, X-Namespace, Authorization"

log = logging.getLogger("atlas.codec")


def application(keyring: Keyring, origins: Sequence[str]) -> web.Application:
    """The server's application; `origins` (scheme://host:port) may read its answers."""
    codec = EncryptingCodec(keyring)

    async def decode(request: web.Request) -> web.Response:
        return _answer(await codec.decode(await _payloads(request)))

    async def encode(request: web.Request) -> web.Response:
        return _answer(await codec.encode(await _payloads(request)))

    async def preflight(request: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application(client_max_size=_MAX_BODY, middlewares=[_guard(frozenset(origins))])
    app.add_routes([web.post("/decode", decode), web.post("/encode", encode)])
    app.add_routes([web.options("/decode", preflight), web.options("/encode", preflight)])
    return app


async def serve(
    keyring: Keyring, origins: Sequence[str], *, port: int, stop: asyncio.Event
) -> None:
    """Serve on 127.0.0.1 until `stop` is set. Raises OSError when the port is taken."""
    runner = web.AppRunner(application(keyring, origins), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        log.info("decrypting on http://127.0.0.1:%d for %s", port, ", ".join(origins) or "no page")
        await stop.wait()
    finally:
        await runner.cleanup()


async def _payloads(request: web.Request) -> list[Payload]:
    try:
        return list(Parse(await request.text(), Payloads()).payloads)
    except (ParseError, UnicodeDecodeError):
        raise web.HTTPBadRequest(text="the body is no JSON of Payloads") from None


def _answer(payloads: Sequence[Payload]) -> web.Response:
    text = MessageToJson(Payloads(payloads=payloads))
    return web.Response(text=text, content_type="application/json")


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _guard(origins: frozenset[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if urlsplit(f"//{request.host}").hostname not in _LOOPBACK:
            raise web.HTTPForbidden(text="ask for it by 127.0.0.1 or localhost")
        try:
            response = await handler(request)
        except EncryptionError as error:
            response = web.Response(status=400, text=str(error))
        except web.HTTPException as error:
            response = web.Response(status=error.status, text=error.text)
        origin = request.headers.get("Origin", "")
        if origin in origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = _HEADERS
            response.headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
            response.headers["Vary"] = "Origin"
        return response

    return guard
