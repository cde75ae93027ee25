"""`fetch_url`: get one URL now."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.fetch_url import FetchingOne
    from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult
    from atlas.contracts.jobs import Progress
    from atlas.contracts.refusal import missing_input
    from workflows.options import FETCHING_ONE


@workflow.defn(name="fetch_url")
class FetchUrl:
    """One polite request, its redirects followed; the body is kept and the ledger written.

    Whatever the server says is a result; only bad input fails the run.
    """

    def __init__(self) -> None:
        self._stage = "starting"

    @workflow.query
    def progress(self) -> Progress:
        """The stage: fetching, then completed."""
        return Progress(stage=self._stage)

    @workflow.run
    async def run(self, request: FetchUrlRequest | None = None) -> FetchUrlResult:
        if request is None:
            raise missing_input("fetch_url", '{"url": "https://example.org/"}')
        self._stage = "fetching"
        workflow.set_current_details(f"Fetching {request.url[:500]}")
        result = await workflow.execute_activity_method(
            FetchingOne.fetch_one, request, summary=request.url[:150], **FETCHING_ONE
        )
        workflow.set_current_details(_details(result))
        self._stage = "completed"
        return result


def _details(result: FetchUrlResult) -> str:
    if result.success:
        return f"{result.status_code} {result.final_url}, {result.content_length} bytes"
    return f"{result.error_class}/{result.error_code}: {result.error}"
