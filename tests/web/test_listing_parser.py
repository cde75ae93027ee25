"""The answer of the child that parses listings: what it says, and what is believed of it. What
hostile listings do to it is in `tests/hostile`."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.listing_limits import DEFAULTS, FileLimits
from atlas.domain.wire_fields import MalformedAnswer
from atlas.web import listing_parser, sitemaps
from atlas.web.listing_parser import PART, Listed, ListingJob, Parsed, Wanted, parse_listing
from atlas.worker.listing_parser import parsed

URL = "https://h.org/listing"


def read(
    wanted: Wanted, body: bytes, limits: FileLimits = DEFAULTS
) -> tuple[Parsed, list[Listed], list[str]]:
    job = ListingJob(wanted, URL, limits=limits)
    found = Parsed(BytesIO(parse_listing(job, body)), limits)
    pages = [page for part in found.pages() for page in part]
    return found, pages, list(found.children())


def outcome(wanted: Wanted, body: bytes, limits: FileLimits = DEFAULTS) -> str:
    """The code of the failure, or how many pages were listed, and whether all."""
    try:
        found, pages, _ = read(wanted, body, limits)
    except PageError as error:
        assert URL in error.message
        return error.code
    assert pages  # never a success with nothing in it
    return f"{len(pages)}, {'complete' if found.header.complete else 'incomplete'}" + (
        f", cut: {found.header.cut}" if found.header.cut else ""
    )


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    ("wanted", "make"),
    [
        (
            "sitemap",
            lambda n: "<urlset>" + "<url><loc>https://h.org/1</loc></url>" + "<![CDATA[" * n,
        ),
        ("sitemap", lambda n: "<!DOCTYPE a[]>" * n),
        ("feed", lambda n: "<rss><channel><item><link>/a</link></item>" + "<![CDATA[x" * n),
        ("feed", lambda n: '{"a":' + '"\\"' * n),
    ],
)
def test_time_grows_with_the_length(wanted: Wanted, make: Callable[[int], str]) -> None:
    """In the processor's time: of sixteen times the bytes, and not even the square of it."""

    def cost(size: int) -> float:
        body = make(size).encode()
        began = time.process_time()
        outcome(wanted, body)
        return time.process_time() - began

    cost(1)
    small = max(cost(5_000) for _ in range(3))
    assert cost(80_000) <= 16 * 8 * max(small, 0.001)


@pytest.mark.fault(6)
def test_what_is_more_than_is_read_of_one_file_is_cut_and_said() -> None:
    three = FileLimits(entries=3)
    locs = "".join(f"<url><loc>https://h.org/{n}</loc></url>" for n in range(4))
    body = f"<urlset>{locs}</urlset>".encode()
    assert outcome("sitemap", body, three) == "3, incomplete, cut: entries"
    empty = "<url/>" * 3 + locs
    assert outcome("sitemap", f"<urlset>{empty}</urlset>".encode(), three) == "no_usable_link"
    items = "".join(f"<item><link>/{n}</link></item>" for n in range(4))
    feed = f"<rss><channel><title>t</title>{items}</channel></rss>".encode()
    assert outcome("feed", feed, three) == "3, incomplete, cut: entries"
    many = f"<urlset>{locs[: locs.index('https://h.org/2')]}x</loc>{'<x/>' * 300}</url></urlset>"
    assert outcome("sitemap", many.encode(), three) == "2, incomplete, cut: elements"
    deep = f"<urlset>{locs}{'<a>' * 20}"
    assert outcome("sitemap", deep.encode(), FileLimits(depth=15)) == "4, incomplete, cut: depth"


def test_each_limit_of_a_file_is_named_with_the_rule_that_raises_it() -> None:
    """Of both kinds of listing, and never a success with nothing in it."""
    for wanted, element in (("sitemap", "urlset"), ("feed", "rss")):
        for limits, body, code, rule in (
            (FileLimits(bytes=10), f"<{element}></{element}>", "_too_large", "bytes"),
            (FileLimits(depth=10), f"<{element}>" + "<a>" * 20, "_too_deep", "depth"),
            (FileLimits(prolog=300), "<!--x-->" * 99 + f"<{element}/>", "_long_prolog", "prolog"),
            (FileLimits(entries=1), f"<{element}>" + "<a/>" * 200, "_too_large", "entries"),
        ):
            with pytest.raises(PageError, match=f"--listing-{rule}") as raised:
                read(wanted, body.encode(), limits)  # type: ignore[arg-type]
            assert raised.value.error_class is ErrorClass.QUOTA
            assert raised.value.code.endswith(code)


def test_an_answer_that_lists_more_than_the_job_allows_is_refused() -> None:
    body = b"<urlset>" + b"".join(b"<url><loc>/%d</loc></url>" % n for n in range(9))
    answer = parse_listing(ListingJob("sitemap", URL), body)
    with pytest.raises(MalformedAnswer, match="more entries"):
        Parsed(BytesIO(answer), FileLimits(entries=8))


def test_what_is_written_is_read() -> None:
    stamp = "<lastmod>2026-11-03T10:00:00+02:00</lastmod>"
    locs = "".join(f"<url><loc>https://h.org/{n}</loc>{stamp}</url>" for n in range(PART + 1))
    found, pages, children = read("sitemap", f"<urlset>{locs}</urlset>".encode())
    assert (found.header.pages, len(pages), children) == (PART + 1, PART + 1, [])
    assert pages[0] == Listed("https://h.org/0", datetime(2026, 11, 3, 8, tzinfo=UTC))
    index = "".join(f"<sitemap><loc>https://h.org/{n}.xml</loc></sitemap>" for n in range(3))
    _, pages, children = read("sitemap", f"<sitemapindex>{index}</sitemapindex>".encode())
    assert (pages, children) == ([], [f"https://h.org/{n}.xml" for n in range(3)])
    feed = (
        "<rss><channel><title>News</title><ttl>5</ttl><item><link>/a</link></item></channel></rss>"
    )
    found, pages, _ = read("any", feed.encode())
    assert (found.header.kind, found.header.title, found.header.ttl) == ("feed", "News", 300)
    assert read("any", b"<!doctype html><p>x")[0].header.kind == "html"
    assert read("any", b"%PDF")[0].header.kind == "other"


def test_a_bug_in_a_parser_is_a_failure_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "parse_sitemap", lambda *_: 1 / 0)
    with pytest.raises(PageError) as raised:
        parse_listing(ListingJob("sitemap", URL), b"")
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.BUG, "listing_bug")


# What a child answers that was taken over.


def exhaust(answer: bytes) -> None:
    found = Parsed(BytesIO(answer))
    for part in found.pages():
        assert len(part) <= PART
    assert sum(1 for _ in found.children()) <= 50_000 + PART


GOOD = parse_listing(
    ListingJob("sitemap", URL),
    b"<urlset><url><loc>https://h.org/a</loc><lastmod>2026-11-03</lastmod></url></urlset>",
)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, len(GOOD)))
def test_no_answer_does_more_than_be_refused(noise: bytes, start: int, end: int) -> None:
    for answer in (noise, GOOD[:start] + noise + GOOD[end:]):
        with suppress(MalformedAnswer):
            exhaust(answer)


@pytest.mark.parametrize(
    "page",
    [
        Listed("ftp://h.org/", None),
        Listed("https://h.org/a b", None),
        Listed("https://me@h.org/", None),
        Listed("https://h.org", None),
        Listed("https://h.org/" + "x" * 2100, None),
        Listed("https://h.org/\x00", None),
        Listed("https://h.org/", datetime(2026, 1, 1)),
        Listed("https://h.org/", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_a_page_that_no_healthy_child_lists_is_refused(page: Listed) -> None:
    header = listing_parser.Header("sitemap", pages=1)
    with pytest.raises(MalformedAnswer):
        exhaust(listing_parser._written(header, [page]))


class Pool:
    """Answers with bytes, or not at all."""

    def __init__(self, answer: bytes | PageError) -> None:
        self.answer = answer

    async def run_on_file(self, _function: Any, _job: Any, _body: Any, answer: BinaryIO) -> None:
        if isinstance(self.answer, PageError):
            raise self.answer
        answer.write(self.answer)


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    ("answer", "error_class", "code"),
    [
        (b"nonsense", ErrorClass.INVALID, "listing_malformed"),
        (GOOD[:-1] + b"\xff", ErrorClass.INVALID, "listing_malformed"),
        (
            PageError(ErrorClass.INVALID, "extractor_timeout", "not done after 30 s"),
            ErrorClass.INVALID,
            "listing_timeout",
        ),
        (
            PageError(ErrorClass.INVALID, "extractor_memory", "too much"),
            ErrorClass.INVALID,
            "listing_memory",
        ),
        (
            PageError(ErrorClass.QUOTA, "sitemap_too_large", f"the sitemap {URL} is too large"),
            ErrorClass.QUOTA,
            "sitemap_too_large",
        ),
    ],
)
async def test_a_listing_that_ends_its_child_is_a_failure_by_name(
    answer: bytes | PageError, error_class: ErrorClass, code: str
) -> None:
    pool: Any = Pool(answer)
    with pytest.raises(PageError) as raised:
        async with AsyncExitStack() as stack:
            found = await stack.enter_async_context(
                parsed(pool, ListingJob("sitemap", URL), BytesIO(b"<urlset/>"))
            )
            list(found.pages())
    assert (raised.value.error_class, raised.value.code) == (error_class, code)
    assert URL in raised.value.message
