"""Bodies of archived answers: decoded once, within bounds."""

from __future__ import annotations

import gzip

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import PageError
from atlas.web.archived_response import MAX_HEAD, body_of, response_head

PAGE = b"<p>The ferry leaves at eight.</p>" * 20


def answer(body: bytes, *lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, *lines, "", ""]).encode() + body


def decoded(block: bytes, most: int = 10_000) -> bytes:
    return body_of(block, response_head(block), most)


def chunked(body: bytes, size: int = 100) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


def test_the_head_says_what_a_server_said() -> None:
    head = response_head(
        answer(b"x", "Content-Type: text/html; charset=latin1", "last-modified: today", "A:",
               status="HTTP/2 203 ")
    )  # fmt: skip
    assert (head.status, head.content_type) == (203, "text/html; charset=latin1")
    assert (head.last_modified, head.encoding, head.chunked) == ("today", "", False)
    assert response_head(b"HTTP/1.0 404 Not Found\n\nx").body_at == 24


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(PAGE, mtime=0)),
        ("br", brotli.compress(PAGE)),
        ("zstd", zstandard.compress(PAGE)),
        ("gzip, br", brotli.compress(gzip.compress(PAGE, mtime=0))),
        ("identity", PAGE),
        ("gzip", PAGE),  # decoded before it was archived
        ("zstd", PAGE),
    ],
)
def test_codings_are_undone(encoding: str, body: bytes) -> None:
    assert decoded(answer(body, f"Content-Encoding: {encoding}")) == PAGE
    in_chunks = answer(chunked(body), f"Content-Encoding: {encoding}", "Transfer-Encoding: chunked")
    assert decoded(in_chunks) == PAGE


def test_chunks_that_were_joined_before_are_left_alone() -> None:
    assert decoded(answer(PAGE, "Transfer-Encoding: chunked")) == PAGE


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (b"", "malformed_response"),
        (b"<html>", "malformed_response"),
        (answer(b"", *(f"h{n}: {'x' * 100}" for n in range(1000))), "malformed_response"),
        (answer(chunked(PAGE)[:-200], "Transfer-Encoding: chunked"), "truncated_body"),
        (answer(b"5\r\nabc", "Transfer-Encoding: chunked"), "truncated_body"),
        (answer(gzip.compress(PAGE, mtime=0)[:-9], "Content-Encoding: gzip"), "truncated_body"),
        (answer(brotli.compress(PAGE)[3:], "Content-Encoding: br"), "undecodable_body"),
        (
            answer(gzip.compress(b"\0" * 10**7, 1, mtime=0), "Content-Encoding: gzip"),
            "body_too_large",
        ),
        (answer(b"x" * 10_001), "body_too_large"),
    ],
)
def test_what_is_wrong_is_named(block: bytes, code: str) -> None:
    with pytest.raises(PageError) as error:
        decoded(block)
    assert error.value.code == code


@given(st.binary(max_size=300), st.sampled_from(["gzip", "br", "zstd", "deflate", "x", ""]))
def test_any_bytes_are_a_body_or_an_error(body: bytes, encoding: str) -> None:
    for more in ([], ["Transfer-Encoding: chunked"]):
        block = answer(body, f"Content-Encoding: {encoding}", *more)
        try:
            assert len(decoded(block, 1000)) <= 1000
        except PageError as error:
            assert error.code


@given(st.binary(max_size=MAX_HEAD // 100))
def test_any_block_has_a_head_or_an_error(block: bytes) -> None:
    try:
        assert 0 <= response_head(block).body_at <= len(block)
    except PageError as error:
        assert error.code == "malformed_response"
