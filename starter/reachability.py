"""One request to the web, as a worker would make it; needs no database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from atlas.domain.addresses.urls import InvalidUrl, canonicalize
from atlas.domain.errors import PageError
from atlas.domain.fetch import FetchRequest, FetchResult
from atlas.health.probe import ProbeResult, Unwell
from atlas.locations import address_policy
from atlas.settings import Settings
from atlas.web.client_factory import page_client
from atlas.web.credentials import CredentialsError
from atlas.web.listings import Buffer
from atlas.web.politeness import OpenSlots
from atlas.worker.robots_parser import parsing_robots

MEND = (
    "Check DNS and the firewall (a proxy is used only if ATLAS_FETCH_PROXY names it), "
    "ATLAS_FETCH_ALLOW_NETWORKS and ATLAS_CREDENTIALS_FILE"
)
SKEW_SECONDS = 60.0
"""Sites' own clocks are not that exact, and a cache in between may answer late."""
CLOCK = "Let this machine keep time by NTP, if other sites' clocks differ as well"


async def reached(settings: Settings, url: str, clock: Callable[[], datetime]) -> ProbeResult:
    """Fetch the URL and its robots.txt, once, and compare clocks. Raises `Unwell`."""
    try:
        request = FetchRequest(url=canonicalize(url), total_timeout=15.0)
        async with (
            parsing_robots() as parse,
            page_client(settings, address_policy(settings), parse) as web,
        ):
            fetched = await web.fetch(request, Buffer(), OpenSlots())
    except PageError as error:
        raise Unwell(f"{url}: {error.code}: {error.message}", MEND) from None
    except (InvalidUrl, CredentialsError, ValueError) as error:
        raise Unwell(f"{url}: {error}", "Correct the URL or the setting") from None
    return _answered(fetched, clock())


def _answered(fetched: FetchResult, now: datetime) -> ProbeResult:
    said = f"{fetched.final_url} answered {fetched.status}"
    skew = (now - fetched.date).total_seconds() if fetched.date else 0.0
    if abs(skew) <= SKEW_SECONDS:
        return ProbeResult(said)
    way = "ahead of" if skew > 0 else "behind"
    return ProbeResult(
        f"{said}; the clock here is {abs(skew):.0f} s {way} the site's", "degraded", CLOCK
    )
