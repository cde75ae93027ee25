"""`fetch_url`: get one URL now."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.fetch_url import FetchingOne, RenderingOne
    from activities.rendering import BrowserLookout
    from atlas.contracts.fetch_url import FetchUrlRequest, FetchUrlResult, RenderOne
    from atlas.contracts.jobs import Progress
    from atlas.contracts.refusal import missing_input
    from workflows.options import FETCHING_ONE, RENDERING_ONE, SHORT, never_began


@workflow.defn(name="fetch_url")
class FetchUrl:
    """One polite request, its redirects followed, and a rendering if asked for one; the body is
    kept and the ledger written.

    Whatever the server says is a result; only bad input fails the run.
    """

    def __init__(self) -> None:
        self._stage = "starting"

    @workflow.query
    def progress(self) -> Progress:
        """The stage: fetching, rendering if it is, then completed."""
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
        if request.render != "never" and result.needs_browser:
            self._stage = "rendering"
            workflow.set_current_details(f"Rendering {result.url[:500]}")
            result = await self._render(RenderOne(request=request, found=result))
        workflow.set_current_details(_details(result))
        self._stage = "completed"
        return result

    async def _render(self, asked: RenderOne) -> FetchUrlResult:
        """A person waits, so it is looked for a browser first. One that is only busy is waited
        for."""
        while True:
            given_up = await workflow.execute_activity_method(
                BrowserLookout.give_up_one, asked.found, **SHORT
            )
            if given_up.result is not None:
                return given_up.result
            try:
                return await workflow.execute_activity_method(
                    RenderingOne.render_one,
                    asked,
                    summary=asked.found.url[:150],
                    **RENDERING_ONE,
                )
            except ActivityError as error:
                if not never_began(error):
                    raise


def _details(result: FetchUrlResult) -> str:
    if result.success:
        return f"{result.status_code} {result.final_url}, {result.content_length} bytes"
    return f"{result.error_class}/{result.error_code}: {result.error}"
