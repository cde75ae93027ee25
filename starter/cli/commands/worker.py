"""`atlas worker`: the only command that imports the composition root."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def worker(
    *,
    queues: Annotated[
        str | None, Parameter(help="Task queues to serve, comma-separated; by default all")
    ] = None,
    healthcheck: Annotated[bool, Parameter(help="Only check the workers on this machine")] = False,
) -> int:
    """Run a worker in this process until SIGINT or SIGTERM; it finishes the work in progress.

    The task queues: atlas (workflows, network and database work), atlas-processing (bytes to text),
    atlas-bulk (rebuilds, backfills, cleanup), and atlas-rendering (pages in a browser), which a
    worker serves if ATLAS_BROWSER is set.

    With --healthcheck, for containers and supervisors: exit code 0 when the worker of this
    container (on a machine, all of this user's) is running, polls its task queues and reaches
    PostgreSQL; 1, with the reason, when none runs, one hangs, or either server is out of reach.

    Examples:
        atlas worker
        atlas worker --queues atlas-processing
        atlas worker --healthcheck
    """
    if healthcheck:
        return _healthcheck()
    from atlas.contracts.names import queues_named
    from starter.errors import InvalidRequest

    try:
        # Whether there is a browser for it is for the worker to find out, by its settings.
        names = [name.strip() for name in (queues or "").split(",") if name.strip()]
        named = queues_named(names, browser=True)
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
    import worker as root  # a second

    return root.main(named if queues else ())


def _healthcheck() -> int:
    import time

    from atlas.worker.heartbeat_file import signs
    from starter.cli.framework.exit_codes import DONE, FAILED
    from starter.cli.framework.output import note, say

    now, found = time.monotonic(), signs()
    for sign in found:
        (say if sign.well(now) else note)(sign.says(now))
    if not found:
        note("no worker is running here, or it is still starting")
    return DONE if found and all(sign.well(now) for sign in found) else FAILED
