"""`atlas worker`: the one command that imports the composition root."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def worker(
    *,
    queues: Annotated[
        str | None,
        Parameter(help="Task queues to serve, comma-separated; all three by default"),
    ] = None,
) -> int:
    """Run a worker in this process, until SIGINT or SIGTERM; it finishes what is under way.

    The queues: atlas (workflows, network and database work), atlas-processing (bytes to text),
    atlas-bulk (rebuilds, backfills, clean-ups).

    Examples:
        atlas worker
        atlas worker --queues atlas-processing
    """
    from atlas.contracts.names import queues_named
    from starter.errors import InvalidRequest

    try:
        named = queues_named([name.strip() for name in (queues or "").split(",") if name.strip()])
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
    import worker as root  # a second

    return root.main(named if queues else ())
