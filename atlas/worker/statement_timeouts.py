"""Short activities wait but a short time for PostgreSQL: theirs is shorter than a statement's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from atlas.stores.postgres.connection import statements_within

_SHORT = timedelta(seconds=60)
_SHARE = 3
"""Three statements that are not answered fit into a short activity's time."""


class ShortStatements(Interceptor):
    """Lets a statement of a short activity take a third of the activity's time, at most."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Bounded(next)


class _Bounded(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        whole = activity.info().start_to_close_timeout
        if whole is None or whole > _SHORT:
            return await super().execute_activity(input)
        with statements_within(whole.total_seconds() / _SHARE):
            return await super().execute_activity(input)
