"""Asking the web what kind of source a URL is, as politely as a worker would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from urllib.parse import urlsplit

from atlas.domain.errors import PageError
from atlas.domain.fetched import FetchError
from atlas.domain.sources import SourceSpec
from atlas.settings import Settings
from atlas.stores.postgres.hosts import HostSlots
from atlas.stores.postgres.robots import StoredRobots
from atlas.web.client import WebClient
from atlas.web.credentials import Credentials, CredentialsError
from atlas.web.detect import Detected, Document, detect
from atlas.web.guard import AddressPolicy, AddressRefused
from atlas.web.listing import read_document
from starter.connection import Parts
from starter.errors import InvalidRequest, Undetected


async def detected(parts: Parts, spec: SourceSpec) -> Detected:
    """What the source's first URL is. Raises `Undetected` when nothing could be heard from it.

    A server that answers at all (with an error, say) is taken for a site: that may pass.
    """
    start = spec.urls[0]
    slots = HostSlots(await parts.pool(), delay=spec.delay, parallel=spec.parallel)

    async with await _client(parts) as web:

        async def get(url: str) -> Document | None:
            try:
                return await read_document(web, url, slots)
            except PageError as error:
                if url == start and _unheard(error):
                    raise _undetected(url, error) from None
                raise

        return await detect(start, get)


def _unheard(error: PageError) -> bool:
    return (
        isinstance(error, FetchError) and error.status is None and error.code != "robots_disallowed"
    )


def _undetected(url: str, error: PageError) -> Undetected:
    return Undetected(
        f"{url} could not be read, so its kind is unknown ({error.code}: {error.message}). "
        "Mend that, or name the kind to declare it all the same, as in --kind site"
    )


def refused_address(settings: Settings, urls: Sequence[str]) -> str | None:
    """Why the settings forbid to dial one of the URLs, as far as it can be told without DNS."""
    policy = _policy(settings)
    for host in sorted({urlsplit(url).hostname or "" for url in urls}):
        try:
            policy.check("127.0.0.1" if host == "localhost" else host)
        except AddressRefused as error:
            return f"its pages will not be fetched: {error}"
        except ValueError:
            continue  # a name: checked when it is dialled
    return None


def _policy(settings: Settings) -> AddressPolicy:
    return AddressPolicy(ip_network(network) for network in settings.fetch_allow_networks)


async def _client(parts: Parts) -> WebClient:
    settings = parts.settings
    credentials = Credentials()
    try:
        if settings.credentials_file:
            credentials = Credentials.from_file(settings.credentials_file)
        return WebClient(
            policy=_policy(settings),
            contact=settings.contact,
            credentials=credentials,
            robots_cache=StoredRobots(await parts.pool()),
            clock=lambda: datetime.now(UTC),
        )
    except (CredentialsError, ValueError) as error:
        raise InvalidRequest(str(error)) from None
