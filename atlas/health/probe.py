"""Checking one part: timed, bounded, and never raising."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from atlas.contracts.health import Check, Status
from atlas.stores.postgres.reporting.probes import NoConnection

SECONDS = 20.0
"""How long one check may take: a part that hangs must not hold up the others' results."""

log = logging.getLogger("atlas.health")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a check found."""

    detail: str
    status: Status = "ok"
    mend: str = ""


def degraded(detail: str, mend: str) -> ProbeResult:
    """The part works, and somebody should look at it."""
    return ProbeResult(detail, "degraded", mend)


def failing(detail: str, mend: str) -> ProbeResult:
    """The part does not work."""
    return ProbeResult(detail, "failing", mend)


class Unwell(Exception):
    """The part does not work; `mend` says what to do."""

    def __init__(self, detail: str, mend: str) -> None:
        super().__init__(detail)
        self.mend = mend


async def looked_at(
    part: str, look: Awaitable[ProbeResult], *, mend: str, seconds: float = SECONDS
) -> Check:
    """The result of a check; one that raises or takes longer than `seconds` finds the part failing.

    `mend` is the advice for those two.
    """
    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            found = await look
    except NoConnection as error:
        found = failing(str(error), error.mend or mend)
    except TimeoutError:
        found = failing(f"it did not answer within {seconds:.0f} s", mend)
    except Unwell as error:
        found = failing(str(error), error.mend)
    except Exception as error:
        log.debug("looking at %s", part, exc_info=True)
        found = failing(_in_words(error), mend)
    return Check(
        part=part,
        status=found.status,
        milliseconds=round((time.perf_counter() - began) * 1000, 1),
        detail=found.detail[:500],
        mend=found.mend[:500],
    )


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
