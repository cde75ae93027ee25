"""Asking a person before something is done."""

from __future__ import annotations

import sys

from starter.errors import InvalidRequest


def agreed(question: str, otherwise: str) -> bool:
    """Whether a person says yes; without a terminal there is nobody to ask. `otherwise`: what to
    add to the command then."""
    if not sys.stdin.isatty():
        raise InvalidRequest(f"yes: nobody can be asked here; add --yes, {otherwise}")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
