"""How much slower than declared a host is asked while it struggles: pure rules.

Two signs count. Answers that take long: the delay grows with their smoothed latency (Mercator,
Heritrix). And 429 or 503 without Retry-After, which ask for patience and do not say how much: the
delay doubles with each and shrinks with each answer (TCP's additive increase and multiplicative
decrease, RFC 5681, the other way round, since it is a delay). A Retry-After closes the host for as
long as it says (`circuit_breaker`), and needs no guess.
"""

from __future__ import annotations

from dataclasses import dataclass

EASY = 1.0
"""Seconds in which an answer may come without being slow."""
FACTOR = 2.0
"""Seconds of delay for each second that answers take beyond that."""
LONGEST = 30.0
"""Seconds of delay that a host's trouble can lead to; a longer one is declared, or asked for."""
FORGOTTEN = 3600.0
"""Seconds after which what was seen of a host says nothing any more."""

_WEIGHT = 0.3
"""Of the latest answer in the smoothed latency."""
_FIRST_BACKOFF = 1.0
_SHRINK = 0.75
_NOTHING = 0.05
_SLOWEST = 120.0
"""Seconds: whatever takes longer counts as this."""

PATIENCE_CODES = frozenset(("http_429", "http_503"))
"""Codes of answers that ask for patience."""


@dataclass(frozen=True, slots=True)
class Strain:
    """What was seen of a host lately; all zero for one that answers quickly."""

    slow: float = 0.0
    """Seconds beyond `EASY` that its answers take, smoothed."""
    backoff: float = 0.0
    """Seconds between requests that its 429 and 503 led to."""

    @property
    def delay(self) -> float:
        """Seconds between two requests that the host can bear, as far as this shows."""
        return min(LONGEST, max(FACTOR * self.slow, self.backoff))

    def __bool__(self) -> bool:
        return self.slow > 0 or self.backoff > 0


def after_answer(strain: Strain, latency: float) -> Strain:
    """After an answer whose head came within `latency` seconds of the request."""
    beyond = min(max(latency - EASY, 0.0), _SLOWEST)
    slow = strain.slow + _WEIGHT * (beyond - strain.slow)
    return Strain(_noticeable(slow), _noticeable(strain.backoff * _SHRINK))


def after_refusal(strain: Strain, delay: float) -> Strain:
    """After a 429 or 503 without Retry-After, while requests were `delay` seconds apart."""
    doubled = 2 * max(strain.backoff, delay, _FIRST_BACKOFF / 2)
    return Strain(strain.slow, min(LONGEST, doubled))


def paced(declared: float, strain: Strain) -> float:
    """Seconds between two requests to a host, where rules and robots.txt ask for `declared`."""
    return max(declared, strain.delay)


def reason(strain: Strain) -> str:
    """Why the host is asked more slowly than declared, in a few words; empty: it is not."""
    if not strain:
        return ""
    if strain.backoff >= FACTOR * strain.slow:
        return "429/503"
    return f"answers in {EASY + strain.slow:.1f} s"


def _noticeable(seconds: float) -> float:
    return seconds if seconds >= _NOTHING else 0.0
