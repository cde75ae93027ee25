"""One request to the web from here, as a worker would make it; needs no database."""

from __future__ import annotations

from ipaddress import ip_network

from atlas.checks.probe import Found, Unwell
from atlas.domain.errors import PageError
from atlas.domain.fetched import FetchRequest
from atlas.domain.urls import InvalidUrl, canonicalize
from atlas.settings import Settings
from atlas.web.client import WebClient
from atlas.web.credentials import Credentials, CredentialsError
from atlas.web.guard import AddressPolicy
from atlas.web.listing import Buffer
from atlas.web.politeness import OpenSlots

MEND = (
    "Check DNS and the firewall (Atlas uses no proxy), ATLAS_FETCH_ALLOW_NETWORKS and "
    "ATLAS_CREDENTIALS_FILE"
)


async def reached(settings: Settings, url: str) -> Found:
    """Fetch the URL and its robots.txt, once. Raises `Unwell`."""
    try:
        request = FetchRequest(url=canonicalize(url), total_timeout=15.0)
        client = WebClient(
            policy=AddressPolicy(map(ip_network, settings.fetch_allow_networks)),
            contact=settings.contact,
            credentials=_credentials(settings),
        )
        async with client as web:
            fetched = await web.fetch(request, Buffer(), OpenSlots())
    except PageError as error:
        raise Unwell(f"{url}: {error.code}: {error.message}", MEND) from None
    except (InvalidUrl, CredentialsError, ValueError) as error:
        raise Unwell(f"{url}: {error}", "Correct the URL or the setting") from None
    return Found(f"{fetched.final_url} answered {fetched.status}")


def _credentials(settings: Settings) -> Credentials:
    path = settings.credentials_file
    return Credentials.from_file(path) if path else Credentials()
