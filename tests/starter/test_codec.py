"""`atlas codec` lets in the pages that a browser really says it shows."""

import pytest

from starter.cli.commands.codec import _origins

HERE = ["http://127.0.0.1", "http://localhost"]


@pytest.mark.parametrize(
    ("address", "origins"),
    [
        ("http://localhost:8233", [f"{each}:8233" for each in HERE]),
        ("http://127.0.0.1:80/path", HERE),
        ("http://localhost", HERE),
        ("https://ui.example:443", ["https://ui.example"]),
        ("https://ui.example:8443/", ["https://ui.example:8443"]),
        ("http://[::1]:8233", ["http://[::1]:8233"]),
    ],
)
def test_the_usual_port_is_left_out(address: str, origins: list[str]) -> None:
    assert _origins(address) == origins
