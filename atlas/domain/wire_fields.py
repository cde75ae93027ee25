"""Fields of an answer: numbers, bytes and texts in a fixed order, read with distrust.

Each is a 64-bit integer, or a length and that many bytes. Reading makes nothing but these types, in
memory proportional to what came.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MAX_ANSWER = 128 * 1024 * 1024
"""Bytes of one answer; a child that announces more is taken to lie."""
_INT4 = 2**31 - 1
_NUMBER = struct.Struct("!q")
_LENGTH = struct.Struct("!I")


class MalformedAnswer(ValueError):
    """Bytes that no healthy child sends."""


class Writer:
    """Fields in order; `finish` joins them."""

    def __init__(self) -> None:
        self._fields: list[bytes] = []

    def number(self, value: int) -> None:
        self._fields.append(_NUMBER.pack(value))

    def data(self, value: bytes) -> None:
        self._fields += (_LENGTH.pack(len(value)), value)

    def text(self, value: str) -> None:
        self.data(value.encode("utf-8", "replace"))

    def finish(self) -> bytes:
        return b"".join(self._fields)


class Reader:
    """Reads fields in order; raises MalformedAnswer for whatever is not as it should be."""

    def __init__(self, body: bytes | memoryview) -> None:
        self._body = memoryview(body)
        self._at = 0

    def number(self, low: int = 0, high: int = _INT4) -> int:
        value: int = _NUMBER.unpack(self._take(_NUMBER.size))[0]
        return check(value, low <= value <= high, "a number out of bounds")

    def data(self, most: int = MAX_ANSWER) -> bytes:
        size: int = _LENGTH.unpack(self._take(_LENGTH.size))[0]
        check(size, size <= most, "a field that is too long")
        return bytes(self._take(size))

    def text(self, most: int = MAX_ANSWER) -> str:
        """At most `most` bytes of UTF-8 without NUL, which no store accepts."""
        try:
            value = self.data(most).decode()
        except UnicodeDecodeError as error:
            raise MalformedAnswer("a text that is not UTF-8") from error
        return check(value, "\x00" not in value, "a text with NUL")

    def several(self, most: int, read: Callable[[Reader], T]) -> tuple[T, ...]:
        return tuple([read(self) for _ in range(self.number(0, most))])

    def end(self) -> None:
        check(None, self._at == len(self._body), "more than was asked for")

    def _take(self, size: int) -> memoryview:
        part = self._body[self._at : self._at + size]
        check(part, len(part) == size, "less than it announces")
        self._at += size
        return part


def check(value: T, holds: bool, otherwise: str) -> T:
    """The value, if it is as it should be. Raises MalformedAnswer."""
    if not holds:
        raise MalformedAnswer(f"the extracting process answered with {otherwise}")
    return value
