"""Who led to a page: something in the public internet, or in a network that is allowed.

A public page must not lead into an allowed network. Which address a host really had is remembered
when it is dialled; one that this process never dialled is looked up.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from atlas.domain.addresses.local_names import is_local_name
from atlas.web.address_policy import AddressPolicy, is_public
from atlas.web.own_ports import addresses_of

_KNOWN_HOSTS = 10_000


class Leaders:
    """Where hosts were found. Once at a public address counts for good: names may change sides.

    `proxied`: no name is looked up here; one that is not of a local network counts as public.
    """

    def __init__(self, policy: AddressPolicy, *, proxied: bool = False) -> None:
        self._policy = policy
        self._proxied = proxied
        self._public: dict[str, bool] = {}

    def remember(self, url: str, peer: str | None) -> None:
        """Note the address that a URL's host was dialled at."""
        if peer is not None and self._policy.opens:
            self._keep(urlsplit(url).netloc, is_public(peer))

    async def any_public(self, urls: tuple[str, ...]) -> bool:
        """Whether one of the URLs is at a public address. Without an allowed network it makes no
        difference, and is not looked for."""
        if not self._policy.opens:
            return False
        for url in urls:
            if await self._is_public(url):
                return True
        return False

    def was_public(self, url: str) -> bool:
        """Whether the host of a URL was dialled at a public address before. A name that moves into
        an allowed network afterwards is not followed there: whoever owns the name chose to."""
        return self._public.get(urlsplit(url).netloc, False)

    async def _is_public(self, url: str) -> bool:
        parts = urlsplit(url)
        if parts.netloc not in self._public:
            name = parts.hostname or ""
            if self._proxied and not _is_literal(name):
                return not is_local_name(name)
            try:
                found = await addresses_of(name, parts.port or 80)
            except OSError:
                return True  # nobody knows, so it opens nothing; asked again the next time
            self._keep(parts.netloc, any(map(is_public, found)))
        return self._public[parts.netloc]

    def _keep(self, host: str, public: bool) -> None:
        self._public[host] = self._public.pop(host, False) or public
        if len(self._public) > _KNOWN_HOSTS:
            del self._public[next(iter(self._public))]


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
