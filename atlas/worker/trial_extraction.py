"""Extraction of single bodies to try rules on, for a process that is no worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from atlas.domain.extraction.rule_trial import RuleTrial
from atlas.domain.prepared import PrepareJob
from atlas.settings import Settings
from atlas.text.children.pool import ExtractorPool
from atlas.text.rule_trials import read_trial, try_rules

TryRules = Callable[[PrepareJob], Awaitable[RuleTrial]]


@asynccontextmanager
async def trying_rules(settings: Settings) -> AsyncIterator[TryRules]:
    """A child under the limits of every extraction; what it is asked raises PageError."""
    async with ExtractorPool(
        children=1,
        timeout=settings.extraction.extract_timeout,
        memory_limit=settings.extraction.extract_memory,
    ) as pool:

        async def tried(job: PrepareJob) -> RuleTrial:
            return await pool.run(try_rules, job, read_trial)

        yield tried
