"""The proxy that pages are fetched through: whether it answers, and accepts the login."""

from __future__ import annotations

from atlas.domain.errors import PageError
from atlas.domain.fetch import FetchRequest, RobotsMode
from atlas.health.probe import ProbeResult, Unwell, degraded
from atlas.settings import Settings
from atlas.web.address_policy import AddressPolicy
from atlas.web.client_factory import egress_proxy, page_client
from atlas.web.listings import Buffer
from atlas.web.politeness import OpenSlots
from atlas.web.robots_parser import unparsed

PART = "fetch proxy"
MEND = (
    "Start the proxy, or correct ATLAS_FETCH_PROXY and ATLAS_FETCH_PROXY_PASSWORD and restart the "
    "workers"
)
_NOBODY = "https://atlas.invalid/"
"""A name that nobody can have (RFC 2606, 2): the answer is the proxy's own."""
_SECONDS = 12.0
_OWN_FAULTS = ("proxy_unreachable", "proxy_login")
_NO_ANSWER = ("connect_timeout", "header_timeout", "read_timeout", "total_timeout")


async def fetch_proxy(settings: Settings) -> ProbeResult:
    """Ask the proxy for a host that does not exist, as a page is asked for. Raises `Unwell`."""
    proxy = egress_proxy(settings)
    bare = settings.fetch.model_copy(update={"credentials_file": None})
    request = FetchRequest(
        url=_NOBODY,
        robots=RobotsMode.IGNORE,
        header_timeout=_SECONDS,
        idle_timeout=_SECONDS,
        total_timeout=_SECONDS,
    )
    try:
        async with page_client(
            settings.model_copy(update={"fetch": bare}), AddressPolicy(), unparsed
        ) as web:
            await web.fetch(request, Buffer(), OpenSlots())
    except PageError as error:
        if error.code in _OWN_FAULTS:
            raise Unwell(
                error.message.removeprefix("atlas.invalid was not asked: "), MEND
            ) from None
        if error.code in _NO_ANSWER:
            return degraded(f"{proxy} gave no answer: {error.message}", MEND)
    return ProbeResult(f"pages are fetched through {proxy}, which answers")
