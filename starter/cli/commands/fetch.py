"""`atlas fetch`: fetch one URL now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from atlas.domain.rendering import Render
from starter.cli.framework.client import connected
from starter.cli.framework.output import Format, pairs
from starter.cli.framework.run_follower import Ending, Following, Timeout, followed

if TYPE_CHECKING:
    from atlas.contracts.fetch_url import FetchUrlResult


async def fetch(
    url: Annotated[str, Parameter(help="An http or https URL")],
    /,
    *,
    force: Annotated[
        bool, Parameter(help="Request the whole body even if it may be unchanged")
    ] = False,
    request_timeout: Annotated[
        float, Parameter(help="Time limit of the request, in seconds")
    ] = 60.0,
    max_bytes: Annotated[int, Parameter(help="Maximum size of the body, in bytes")] = 32
    * 1024
    * 1024,
    robots: Annotated[
        Literal["obey", "ignore"], Parameter(help="Whether to obey robots.txt")
    ] = "obey",
    render: Annotated[
        Render,
        Parameter(
            help="Whether a worker's browser renders the page: never, when its text is made by "
            "scripts, or always if it is HTML"
        ),
    ] = "never",
    timeout: Timeout = None,
    output: Format = "text",
) -> int:
    """Fetch one URL through a worker, at the host's usual pace. The body is kept; the corpus does
    not change.

    Exit code 0 when the server sent a body or "not modified", and a page that was to be rendered
    was, else 1.

    Examples:
        atlas fetch https://docs.example.com/
        atlas fetch https://docs.example.com/ --force -o json
        atlas fetch https://app.example.com/ --render when_needed
    """
    async with connected() as atlas:
        run = await atlas.start_fetch(
            url,
            force=force,
            timeout=request_timeout,
            max_bytes=max_bytes,
            robots=robots,
            render=render,
        )
        following = Following(wait=True, timeout=timeout)
        return await followed(run, "fetch_url", following=following, output=output)


def _print(result: FetchUrlResult) -> None:
    values = result.model_dump()
    values["redirects"] = [f"{hop.status} {hop.url}" for hop in result.redirects]
    values["elapsed"] = f"{result.elapsed:.3f} s"
    pairs(values)


ENDING = Ending(_print, lambda result: result.success, None, shape="fetch_result")
