"""Content codings: right for any split of the input, small for any bomb."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.web.decoding import PIECE, Decoding
from tests.origin.replies import bomb

MIB = 1024 * 1024


def _raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "gzip members": ("gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:])),
    "gzip padded": ("gzip", lambda data: gzip.compress(data) + b"\0\0\0"),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd frames": (
        "zstd",
        lambda data: zstandard.compress(data[:7]) + zstandard.compress(data[7:]),
    ),
    "two": ("br, gzip", lambda data: gzip.compress(brotli.compress(data))),
    "identity": ("identity", bytes),
    "none": ("", bytes),
}


def _decode(content_encoding: str, parts: list[bytes]) -> Iterator[bytes]:
    decoding = Decoding(content_encoding)
    for part in parts:
        yield from decoding.feed(part)
    decoding.finish()


@pytest.mark.parametrize("name", CODINGS)
@given(data=st.binary(max_size=3000), step=st.integers(1, 700))
@settings(max_examples=15)
def test_any_split_decodes_to_the_same(name: str, data: bytes, step: int) -> None:
    encoding, encode = CODINGS[name]
    sent = encode(data)
    parts = [sent[start : start + step] for start in range(0, len(sent), step)]
    assert b"".join(_decode(encoding, parts)) == data


@pytest.mark.parametrize("name", ["gzip", "deflate", "raw deflate", "br", "zstd", "two"])
def test_a_cut_stream_is_a_truncated_body(name: str) -> None:
    encoding, encode = CODINGS[name]
    with pytest.raises(PageError) as caught:
        list(_decode(encoding, [encode(bytes(range(256)) * 9)[:-5]]))
    assert (caught.value.code, caught.value.error_class) == ("truncated_body", "transient")


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_what_is_not_compressed_is_undecodable(encoding: str) -> None:
    with pytest.raises(PageError) as caught:
        list(_decode(encoding, [b"<html>not compressed at all</html>" * 9]))
    assert (caught.value.code, caught.value.error_class) == ("undecodable_body", "invalid")


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip, gzip, gzip", "x" * 500])
def test_an_unknown_or_endless_coding_is_refused(encoding: str) -> None:
    with pytest.raises(PageError) as caught:
        Decoding(encoding)
    assert caught.value.code == "undecodable_body"
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_bomb_stays_small(encoding: str) -> None:
    sent = bomb(encoding.partition(",")[0], 64 * MIB)
    sent = gzip.compress(sent) if "," in encoding else sent
    assert len(sent) < MIB
    largest = total = 0
    tracemalloc.start()
    try:
        for piece in Decoding(encoding).feed(sent):
            largest = max(largest, len(piece))
            total += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 64 * MIB
    assert largest <= 2 * MIB + PIECE
    assert peak < 16 * MIB


def test_a_zstd_window_beyond_the_standard_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    sent = stream.compress(bytes(1000)) + stream.flush()
    with pytest.raises(PageError) as caught:
        list(_decode("zstd", [sent]))
    assert caught.value.code == "undecodable_body"
