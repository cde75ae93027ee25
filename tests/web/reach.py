"""Addresses of loopback that count as public, for tests of what a public page may lead to."""

from ipaddress import IPv4Network

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
