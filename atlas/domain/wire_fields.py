"""Answers of child processes: MessagePack, decoded with distrust.

A decoder makes nothing but the types it names, and checks counts and lengths against their bounds
before it allocates memory for them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeVar

from msgspec import Meta, Struct
from msgspec.msgpack import Decoder
from msgspec.structs import astuple

from atlas.domain.addresses.urls import InvalidUrl, canonicalize

T = TypeVar("T")

MAX_ANSWER = 128 * 1024 * 1024
"""Bytes of one answer; a child that announces more is taken to lie."""

Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Stamp = Annotated[str, Meta(max_length=40)]
"""As `instant` reads it: a MessagePack timestamp could not show that it is not in UTC."""


class MalformedAnswer(ValueError):
    """Bytes that no healthy child sends."""


class WireFields(Struct, array_like=True, forbid_unknown_fields=True):
    """Fields in a fixed order, and no others. No text holds a NUL, which no store accepts."""

    def __post_init__(self) -> None:
        for value in astuple(self):
            if isinstance(value, str) and "\x00" in value:
                raise ValueError("a text with NUL")


def decode(decoder: Decoder[T], body: bytes | memoryview) -> T:
    """The value in `body`. Raises MalformedAnswer."""
    try:
        return decoder.decode(body)
    except ValueError as error:
        # Only where it is wrong: msgspec quotes a value before that, and it may be hostile.
        where = str(error).rpartition(" - at ")[2]
        raise MalformedAnswer(f"the extracting process answered with bad fields: {where}") from None


def check(value: T, holds: bool, otherwise: str) -> T:
    """The value, if it is as it should be. Raises MalformedAnswer."""
    if not holds:
        raise MalformedAnswer(f"the extracting process answered with {otherwise}")
    return value


def canonical(url: str) -> str:
    """The URL, if it is in its canonical spelling. Raises MalformedAnswer."""
    try:
        holds = canonicalize(url) == url
    except InvalidUrl:
        holds = False
    return check(url, holds, "an address that is not canonical")


def instant(text: str) -> datetime | None:
    """The time that a field names in ISO 8601, None for "". It must be in UTC. Raises
    MalformedAnswer."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise MalformedAnswer("the extracting process answered with a bad date") from None
    return check(found, found is None or found.tzinfo is UTC, "a date not in UTC")


def storable(text: str) -> str:
    """The text without NUL, and with `?` for each lone surrogate: what can be encoded and read."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
