"""Health checks of each part, and alerts about changes. Nothing here needs PostgreSQL to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from atlas.contracts.health import CheckConcern, Checked, HealthTold, TellHealth, Transition
from atlas.domain.health import after_telling, judged

if TYPE_CHECKING:
    from atlas.health.catalogue import Concerns


class Webhook(Protocol):
    """Where alerts go."""

    async def send(self, key: str, at: float, transitions: Sequence[Transition]) -> str | None:
        """Deliver; None when they arrived, else why not."""


class Checking:
    """Checks one concern per activity. `webhook` is None where none is set."""

    def __init__(self, concerns: Concerns, webhook: Webhook | None) -> None:
        self._concerns = concerns
        self._webhook = webhook

    @activity.defn
    async def check_concern(self, request: CheckConcern) -> Checked:
        """Check one concern. No finding makes it fail."""
        return await self._concerns.check(request.concern, request.before)

    @activity.defn
    async def tell_health(self, request: TellHealth) -> HealthTold:
        """Report what changed since the last check, to the log and the webhook."""
        parts, transitions = judged(request.checks, request.unknown, request.before, request.at)
        for each in transitions:
            _log(each)
        delivered, message = await self._delivered(request, transitions)
        return HealthTold(
            parts=after_telling(parts, arrived=delivered is not False),
            transitions=transitions,
            delivered=delivered,
            message=message,
        )

    async def _delivered(
        self, request: TellHealth, transitions: Sequence[Transition]
    ) -> tuple[bool | None, str]:
        if not transitions or self._webhook is None or not request.alert:
            return None, ""
        why_not = await self._webhook.send(request.key, request.at, transitions)
        if why_not is not None:
            activity.logger.error("the alert webhook did not take the alert: %s", why_not)
        return why_not is None, why_not or ""


def _log(transition: Transition) -> None:
    say = activity.logger.info if transition.after == "ok" else activity.logger.error
    mend = f"; {transition.mend}" if transition.mend else ""
    say(
        "health of %s: %s, was %s. %s%s",
        transition.part,
        transition.after,
        transition.before,
        transition.detail,
        mend,
    )
