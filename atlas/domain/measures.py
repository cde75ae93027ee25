"""What is counted and timed while work is done: a port, and one that ignores everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from atlas.domain.batch import FetchRow


@dataclass(frozen=True, slots=True)
class Settlement:
    """What settling a batch did: pages by outcome, and how many of the texts that pages got are
    those of other pages too (`exact`) or nearly so (`near`)."""

    outcomes: Mapping[str, int]
    exact: int = 0
    near: int = 0


class Measures(Protocol):
    """Told at the place where it happens, after it is committed. Never raises, never waits."""

    def fetched(self, row: FetchRow) -> None:
        """One attempt to fetch a page ended."""

    def host_waited(self, seconds: float) -> None:
        """A request waited so long for its turn with its host."""

    def breaker_opened(self) -> None:
        """A host counts as down from now on."""

    def extracted(self, media: str, seconds: float, failure: str | None) -> None:
        """A child process was done with one body: its media, or "unknown" with the failure's
        code."""

    def spared(self) -> None:
        """A page was not extracted: all that is read of its new body is as it was."""

    def rendered(self, seconds: float, failure: str | None) -> None:
        """A browser was done with one page, the wait for its host included; `failure` is the code
        of what went wrong."""

    def truncated(self, media: str) -> None:
        """A part of a body of this media is missing from its text."""

    def ended(self, outcomes: Mapping[str, int]) -> None:
        """Pages got their outcome in a run."""

    def duplicates(self, exact: int, near: int) -> None:
        """Pages got texts that others have too, or nearly so."""


class Unmeasured:
    """Nobody listens."""

    def fetched(self, row: FetchRow) -> None:
        pass

    def host_waited(self, seconds: float) -> None:
        pass

    def breaker_opened(self) -> None:
        pass

    def extracted(self, media: str, seconds: float, failure: str | None) -> None:
        pass

    def spared(self) -> None:
        pass

    def rendered(self, seconds: float, failure: str | None) -> None:
        pass

    def truncated(self, media: str) -> None:
        pass

    def ended(self, outcomes: Mapping[str, int]) -> None:
        pass

    def duplicates(self, exact: int, near: int) -> None:
        pass


UNMEASURED: Measures = Unmeasured()
