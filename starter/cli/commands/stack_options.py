"""`atlas up`, `atlas down`: the options; `stack` does the work, and takes long to import."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def up(
    *,
    detach: Annotated[
        bool, Parameter(name=["--detach", "-d"], help="Run in the background")
    ] = False,
) -> int:
    """Start PostgreSQL, Temporal with its Web UI, and a worker, and run them until Ctrl-C.

    Data is kept in ATLAS_HOME (default ~/.atlas). ATLAS_DATABASE_URL and TEMPORAL_ADDRESS use your
    own servers instead of the embedded ones.

    Examples:
        atlas up -d
        atlas up    # until Ctrl-C, with the worker's log
    """
    from starter.cli.commands import stack

    return stack.up(detach)


def down() -> int:
    """Stop the processes that `atlas up` started for this ATLAS_HOME.

    Examples:
        atlas down
    """
    from starter.cli.commands import stack

    return stack.down()
