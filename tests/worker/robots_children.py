"""What children do that a robots.txt has taken over, or brought down."""

import os
import time

from msgspec.msgpack import encode

Job = tuple[str, bytes]


def hang(_: Job) -> bytes:
    while True:
        time.sleep(1)


def crash(_: Job) -> bytes:
    os.abort()


def swell(_: Job) -> bytes:
    return bytes(1 << 40)


def lie(_: Job) -> bytes:
    return encode([[[True, "/" * 10_000, 1]], None, []])
