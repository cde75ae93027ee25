"""Changes made to a run from outside while it works: URLs that are added, limits that are set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import workflow


class RunChanges:
    """Changes made to a run from outside (URLs, limits) in this execution."""

    def __init__(self) -> None:
        self.number = 0
        """Of beginnings and ends: a listing that overlaps a change has not seen it."""
        self._under_way = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """While a change is being made."""
        self.number += 1
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self.number += 1

    async def since(self, number: int) -> bool:
        """Whether the run was changed since, once no change is being made."""
        if self._under_way:
            await workflow.wait_condition(lambda: not self._under_way)
        return self.number != number
