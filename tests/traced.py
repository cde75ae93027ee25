"""A workflow and an activity for the trace test; the sandbox imports this module anew."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    import asyncpg

    from atlas.telemetry import page_span


class Queries:
    """An activity of its own span and one statement."""

    def __init__(self, url: str) -> None:
        self._url = url

    @activity.defn
    async def query(self, secret: str) -> str:
        with page_span("own span"):
            connection = await asyncpg.connect(self._url)
            try:
                answer: str = await connection.fetchval("select $1::text", secret)
            finally:
                await connection.close()
        return answer

    @activity.defn
    async def fail(self, secret: str) -> None:
        raise OSError(f"https://a/?sig={secret}")


@workflow.defn
class Failing:
    """One activity, which fails."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            Queries.fail,
            "s3cret",
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@workflow.defn
class Traced:
    """One activity in each run; continues as new `again` times."""

    @workflow.run
    async def run(self, again: int) -> str:
        answer = await workflow.execute_activity(
            Queries.query, "a secret value", start_to_close_timeout=timedelta(seconds=30)
        )
        if again:
            workflow.continue_as_new(again - 1)
        return answer
