"""A collector of OpenTelemetry that keeps the requests it got."""

import http.server
import threading
from collections.abc import Iterator

import pytest

Request = tuple[str, dict[str, str], bytes]
"""Path, headers by their names in lower case, body."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Request]]]:
    """Where it listens, and the requests it has got so far."""
    got: list[Request] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()
