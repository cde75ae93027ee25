"""`atlas worker`: the one command that imports the composition root."""

from __future__ import annotations


def worker() -> int:
    """Run a worker in this process, until SIGINT or SIGTERM; it finishes what is under way."""
    import worker as root

    return root.main()
