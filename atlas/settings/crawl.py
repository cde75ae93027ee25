"""Settings of fetching pages, and of reading text out of them."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field, field_validator

from atlas.settings.field_info import Group, Listed, Place, Shown


class Fetching(Group):
    """Fetching"""

    contact: Annotated[str | None, Shown(example="mailto:me@example.org")] = None
    """An address or URL for site owners, sent in the User-Agent: set it before you crawl others."""
    fetch_allow_networks: Annotated[Listed, Shown("none", "10.20.0.0/16")] = ()
    """CIDRs, comma-separated, that may be dialled although private, such as `10.20.0.0/16`: for
    URLs that people name and pages found there; never from a public page, nor Atlas's own ports."""
    fetch_max_bytes: int = Field(default=32 * 1024 * 1024, gt=0)
    """Largest body, in bytes, decoded."""
    fetch_timeout: float = Field(default=60.0, gt=0, le=600)
    """Seconds for a whole request, redirects included."""
    fetch_attempts: int = Field(default=3, ge=1, le=10)
    """Attempts per page and run before it counts as failed."""
    fetch_retry_delay: float = Field(default=5.0, ge=0, le=3600)
    """Seconds before the first retry of a page; doubles each time."""
    fetch_patience: float = Field(default=600.0, ge=0, le=86_400)
    """Seconds that a run waits for one page's next attempt, or for a host that is down; then the
    pages fail by name (`host_down`)."""
    host_failures: int = Field(default=5, ge=1, le=1000)
    """Failures in a row (no connection, no answer, 429, 502 to 504) after which a host counts as
    down and is tried by one request at a time."""
    host_pause: float = Field(default=30.0, gt=0, le=3600)
    """Seconds that a host that is down is left alone; doubles after each failed try, up to the
    patience (or 30 times as long, if that is shorter)."""
    credentials_file: Annotated[Place | None, Shown(example="/etc/atlas/credentials.toml")] = None
    """A TOML file with headers and credentials per origin: [credentials.md](credentials.md)."""

    @field_validator("fetch_allow_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(
                    f"{network!r} is not a CIDR such as 127.0.0.0/8: {error}"
                ) from None
        return value


class Processing(Group):
    """Processing"""

    extract_children: int = Field(default=2, ge=1, le=64)
    """Processes that extract text and read listings; they end after a minute without work."""
    extract_timeout: float = Field(default=30.0, gt=0, le=600)
    """Seconds per document, and per file of a listing."""
    extract_memory: int = Field(default=1024 * 1024 * 1024, ge=256 * 1024 * 1024)
    """Bytes that one document, or one file of a listing, may take."""
