"""The webhook that alerts go to: one POST of JSON, tried a few times.

The operator chooses its address, so unlike crawled ones it may be private; link-local and cloud
metadata addresses are refused when connecting. The connection is direct: a proxy or .netrc in the
environment has no effect. The URL may contain a token, so messages and logs show only its host.
Bodies have `text` and `content`, which Slack, Mattermost, Teams and Discord display as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from atlas.contracts.health import Transition
from atlas.domain.addresses.urls import InvalidUrl, serialized
from atlas.web.address_policy import ReceiverPolicy
from atlas.web.client_factory import receiver_client

TIMEOUT = 10.0
"""Seconds for one attempt."""
PAUSES = (1.0, 4.0)
"""Seconds before the second and the third."""
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_SIGNS = {"ok": "✅", "degraded": "⚠️", "failing": "🔴"}


class AlertWebhook:
    """Delivers transitions; the next check sends what was not delivered."""

    def __init__(self, url: str, namespace: str, *, pauses: Sequence[float] = PAUSES) -> None:
        self._url = url
        self._namespace = namespace
        self._pauses = pauses

    async def send(self, key: str, at: float, transitions: Sequence[Transition]) -> str | None:
        """Deliver them; None on success, else why not. A repeated delivery has the same key, so a
        receiver can recognise it."""
        body = alert(key, at, self._namespace, transitions)
        policy = ReceiverPolicy("ATLAS_ALERT_WEBHOOK")
        async with receiver_client(policy, TIMEOUT) as client:
            said, again = await self._attempt(client, policy, key, body)
            for pause in self._pauses:
                if said is None or not again:
                    break
                await asyncio.sleep(pause)
                said, again = await self._attempt(client, policy, key, body)
        return said

    async def _attempt(
        self, client: httpx.AsyncClient, policy: ReceiverPolicy, key: str, body: dict[str, Any]
    ) -> tuple[str | None, bool]:
        """What went wrong, and whether to try again."""
        try:
            url = serialized(self._url)
        except InvalidUrl:  # its message may show a token
            return "ATLAS_ALERT_WEBHOOK is not a usable URL", False
        where = urlsplit(url).hostname
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await client.post(url, json=body, headers={"Idempotency-Key": key})
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            if policy.refused:
                return f"{where}: {policy.refused}", False
            cause = error.__cause__ or error  # httpx calls every failure to connect a time-out
            return f"{where}: {type(cause).__name__}", True  # its message may show the URL
        except (httpx.InvalidURL, ValueError):
            return f"{where}: ATLAS_ALERT_WEBHOOK is not a usable URL", False
        if answer.is_success:
            return None, False
        return f"{where} answered {answer.status_code}", answer.status_code in _AGAIN


def alert(key: str, at: float, namespace: str, transitions: Sequence[Transition]) -> dict[str, Any]:
    """The body of one alert."""
    text = "\n".join([f"Atlas ({namespace}):", *map(_line, transitions)])
    return {
        "text": text,
        "content": text[:1900],  # Discord refuses 2,000
        "atlas": {
            "key": key,
            "namespace": namespace,
            "at": _iso(at),
            "transitions": [
                {**each.model_dump(), "since": _iso(each.since)} for each in transitions
            ],
        },
    }


def _line(each: Transition) -> str:
    mend = f" → {each.mend}" if each.mend else ""
    return f"{_SIGNS[each.after]} {each.part}: {each.after}, was {each.before}. {each.detail}{mend}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
