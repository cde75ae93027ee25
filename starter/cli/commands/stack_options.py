"""`atlas up`, `atlas down`: options of the embedded stack's commands."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def up(
    *,
    detach: Annotated[
        bool, Parameter(name=["--detach", "-d"], help="Run in the background")
    ] = False,
) -> int:
    """Start PostgreSQL, Temporal with its Web UI, and a worker; stay until Ctrl-C.

    State lives in ATLAS_HOME (default ~/.atlas). ATLAS_DATABASE_URL and TEMPORAL_ADDRESS replace
    the embedded parts.

    Examples:
        atlas up -d
        atlas up    # until Ctrl-C, with the worker's log
    """
    from starter.cli.commands import stack

    return stack.up(detach)


def down() -> int:
    """Stop the stack of this home; nothing of it is left running.

    Examples:
        atlas down
    """
    from starter.cli.commands import stack

    return stack.down()
