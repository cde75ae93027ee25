"""The one place where clients of the web are built: for pages, robots.txt, listings and detection,
for the doctor's look, and for the receiver of alerts.

All of them dial under a policy of addresses that is asked at that moment, trust the same
authorities (`tls`), and take nothing from the environment: no proxy, .netrc, cookie or redirect
that they did not choose (`transport`). A proxy that the settings name (`egress_proxy`) is for pages
and all that leads to them; alerts go to their receiver directly.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from atlas.domain.rendering import RenderLimits
from atlas.settings import Settings
from atlas.web.address_policy import AddressPolicy, ReceiverPolicy
from atlas.web.client import WebClient
from atlas.web.credentials import Credentials
from atlas.web.egress_proxy import EgressProxy
from atlas.web.robots import Clock, RobotsCache
from atlas.web.robots_parser import ParseRobots
from atlas.web.tls import client_tls
from atlas.web.transport import isolated_client, isolated_session

if TYPE_CHECKING:
    from atlas.web.browser.chromium import BrowserProgram
    from atlas.web.browser.renderer import PageRenderer


def page_client(
    settings: Settings,
    policy: AddressPolicy,
    parse_robots: ParseRobots,
    robots_cache: RobotsCache | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> WebClient:
    """A client for pages, with the contact and the credentials of the settings; `parse_robots`
    reads robots.txt in a child, `robots_cache` shares what was read between workers.

    Raises CredentialsError for a credentials file that cannot be used, and ValueError for a
    contact that a header cannot hold.
    """
    path = settings.fetch.credentials_file
    return WebClient(
        policy=policy,
        contact=settings.fetch.contact,
        credentials=Credentials.from_file(path) if path else Credentials(),
        parse_robots=parse_robots,
        robots_cache=robots_cache,
        # Shorter than the host's pause: when that is over, robots.txt is what is tried.
        robots_retry=timedelta(seconds=settings.fetch.host_pause / 2),
        clock=clock,
        proxy=egress_proxy(settings),
    )


def browser_program(settings: Settings) -> BrowserProgram | None:
    """The browser that renders pages; None: there is none."""
    from atlas.web.browser.chromium import BrowserProgram  # only where there is one

    own = settings.rendering
    if own.browser is None:
        return None
    return BrowserProgram(own.browser, own.browser_sandbox, own.render_memory)


def page_renderer(settings: Settings, policy: AddressPolicy, web: WebClient) -> PageRenderer | None:
    """What renders pages under the same policy, with the same credentials and through the same
    proxy as `web`. None: there is no browser. Raises ValueError for one that cannot be started."""
    program = browser_program(settings)
    if program is None:
        return None
    if fault := program.fault():
        raise ValueError(fault)
    from atlas.web.browser.renderer import PageRenderer

    own = settings.rendering
    return PageRenderer(
        program,
        policy,
        RenderLimits(
            seconds=own.render_timeout,
            requests=own.render_max_requests,
            bytes=own.render_max_bytes,
            html=own.render_max_html,
        ),
        web.agent,
        web.led_publicly,
        web.credential_headers,
        egress_proxy(settings),
    )


def egress_proxy(settings: Settings) -> EgressProxy | None:
    """The proxy that pages are fetched through; None: none."""
    if settings.fetch.fetch_proxy is None:
        return None
    parts = urlsplit(settings.fetch.fetch_proxy)
    password = settings.fetch.fetch_proxy_password
    assert parts.hostname and parts.port, "the settings check both"
    return EgressProxy(
        "http" if parts.scheme == "http" else "socks5",
        parts.hostname,
        parts.port,
        unquote(parts.username) if parts.username else None,
        password.get_secret_value() if password else None,
    )


def receiver_client(policy: ReceiverPolicy, timeout: float) -> httpx.AsyncClient:
    """A client for an address that the operator set, which dials it under `policy`; `timeout` in
    seconds."""
    tls = client_tls()

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=tls, socket_factory=policy.socket_factory)
        return isolated_session(connector)

    return isolated_client(AiohttpTransport(verify=tls, client=session), timeout=timeout)
