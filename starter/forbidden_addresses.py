"""Addresses of sources that the settings forbid, as far as that is known without asking anybody: so
it needs nothing of what asks the web."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from atlas.locations import address_policy
from atlas.settings import Settings
from atlas.web.address_policy import AddressRefused
from starter.errors import InvalidRequest, Undetected

FORCE = "--force (of the client: force=True) declares it all the same"


def refuse_forbidden(settings: Settings, urls: Sequence[str]) -> None:
    """Raises `Undetected` when the settings forbid connecting to one of the URLs."""
    if forbidden := refused_address(settings, urls):
        raise Undetected(f"url: {', '.join(urls)[:300]} is not declared: {forbidden}; {FORCE}")


def refused_address(settings: Settings, urls: Sequence[str]) -> str | None:
    """Why the settings forbid connecting to one of the URLs, as far as known without DNS."""
    policy = address_policy(settings)
    for parts in sorted(urlsplit(url) for url in set(urls)):
        try:
            host = parts.hostname or ""
            port = parts.port or (443 if parts.scheme == "https" else 80)
            policy.check("127.0.0.1" if host == "localhost" else host, port)
        except AddressRefused as error:
            return f"its pages will not be fetched: {error}"
        except ValueError:
            continue  # a name: checked when the connection is made
    return None


def refuse_outside(settings: Settings, allow: Sequence[str]) -> None:
    """Raises `InvalidRequest` when a source's `allow` goes beyond what the operator allows."""
    policy = address_policy(settings)
    if beyond := policy.outside(allow):
        raise InvalidRequest(
            f"allow: {', '.join(beyond)[:300]} is not within ATLAS_FETCH_ALLOW_NETWORKS "
            f"({policy.said}), the bound for all sources: widen it for this command and for the "
            "workers, which read it when they start (restart them)"
        )
