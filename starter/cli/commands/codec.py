"""`atlas codec`: decrypt payloads for the Temporal Web UI and the `temporal` CLI."""

from __future__ import annotations

import signal
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from starter.cli.framework.output import note


async def codec(
    *,
    port: Annotated[int, Parameter(help="Port on 127.0.0.1")] = 8889,
    origin: Annotated[
        list[str] | None,
        Parameter(help="Address of a Web UI that may use it; by default Atlas's own"),
    ] = None,
) -> None:
    """Serve decrypted payloads until Ctrl-C. Enter its address in the codec settings of the Web UI
    (the glasses icon at the top), or pass it to `temporal … --codec-endpoint`.

    It listens on this machine only: anyone who can reach it can read what was encrypted.

    Examples:
        atlas codec
        atlas codec --port 8890 --origin http://localhost:8233
    """
    import asyncio

    from atlas.locations import locate
    from atlas.settings import Settings
    from atlas.temporal.codec_server import serve
    from starter.errors import InvalidRequest

    settings = Settings.load()
    keyring = settings.keyring()
    if keyring is None:
        raise InvalidRequest("no keys are set; set ATLAS_ENCRYPTION_KEYS (docs/encryption.md)")
    ui = locate(settings).ui_url
    origins = [each for one in origin or ([ui] if ui else []) for each in _origins(one)]
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    note(f"Codec endpoint: http://127.0.0.1:{port}   (Ctrl-C stops it)")
    note(f"Allowed Web UI: {', '.join(origins) or 'none known; give --origin'}")
    try:
        await serve(keyring, origins, port=port, stop=stop)
    except OSError as error:
        raise InvalidRequest(f"--port {port}: {error.strerror}; choose another") from None


def _origins(address: str) -> list[str]:
    """The Origin header that a browser sends for an address; both names of this machine."""
    from starter.errors import InvalidRequest

    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidRequest(
            f"--origin: {address!r} is not an address such as http://localhost:8233"
        )
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, usual) else f":{parts.port}"  # browsers omit it
    names = [parts.hostname or ""]
    if parts.hostname in ("127.0.0.1", "localhost"):
        names = ["127.0.0.1", "localhost"]
    return [f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{port}" for name in names]
