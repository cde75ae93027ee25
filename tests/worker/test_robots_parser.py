"""robots.txt in a real child: hostile files end there, and what they cost is bounded."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.errors import ErrorClass, PageError
from atlas.domain.wire_fields import MalformedAnswer
from atlas.text.children.pool import ExtractorPool
from atlas.web import robots
from atlas.web.robots_answer import PARSE_LIMIT
from atlas.web.robots_parser import ParseRobots, RobotsTxt, parse_job, read
from atlas.worker import robots_parser
from atlas.worker.robots_parser import parsing_robots, robots_parsed
from tests.origin import Origin
from tests.web import hostile_robots
from tests.web.fetching import get, refused, web
from tests.web.parsed import robots_of
from tests.worker import robots_children

HOST = "http://a.example"
URL = f"{HOST}/robots.txt"


# What the rules forbid of the addresses that are asked for; all else is allowed.
SHUT = {
    "star patterns": hostile_robots.URLS[:1],
    "long patterns": hostile_robots.URLS[:1],
    "groups": hostile_robots.URLS[:2],
    "spaces": hostile_robots.URLS[:2],
}


@pytest.fixture(scope="module")
async def parse() -> Iterator[ParseRobots]:
    async with parsing_robots() as found:
        yield found


@pytest.mark.parametrize("name", hostile_robots.FILES)
async def test_a_hostile_file_is_parsed_and_asked(name: str, parse: ParseRobots) -> None:
    body = hostile_robots.FILES[name].encode()
    found = await parse(URL, body)
    assert found.size <= PARSE_LIMIT
    assert found.allows(f"{HOST}/robots.txt")
    asked = [found.allows(HOST + path) for path in hostile_robots.URLS]
    assert asked == [path not in SHUT.get(name, ()) for path in hostile_robots.URLS]


@pytest.mark.parametrize("name", ["star patterns", "short star patterns", "long patterns"])
@pytest.mark.parametrize("longer", ["file", "address"])
def test_a_question_takes_time_in_proportion_to_the_lengths(name: str, longer: str) -> None:
    """In the processor's time: of eight times the length, and not even the square of it."""
    text = hostile_robots.FILES[name]

    def cost(rules: int, path: int) -> float:
        found = robots_of(text[: text.rindex("\n", 0, rules)])
        url = f"{HOST}/{'a' * path}"
        found.allows(url)  # its symbols are known from now on
        began = time.process_time()
        found.allows(url)
        return time.process_time() - began

    sizes = (
        ((30_000, 2000), (240_000, 2000)) if longer == "file" else ((240_000, 250), (240_000, 2000))
    )
    small = max(cost(*sizes[0]) for _ in range(2))
    assert min(cost(*sizes[1]) for _ in range(2)) <= 8 * 4 * max(small, 0.001)


def test_nothing_is_parsed_in_the_process_that_asks() -> None:
    code = (
        "import asyncio, sys\n"
        "from atlas.worker.robots_parser import parsing_robots\n"
        "async def main():\n"
        "    async with parsing_robots() as parse:\n"
        f"        found = await parse({URL!r}, b'User-agent: *\\nDisallow: /a')\n"
        f"        print(found.allows({HOST!r} + '/a'), found.allows({HOST!r} + '/b'))\n"
        "asyncio.run(main())\n"
        "print('atlas.web.robots_txt' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "True", "False"]


@pytest.mark.parametrize(
    ("child", "code"),
    [
        (robots_children.hang, "robots_timeout"),
        (robots_children.crash, "robots_crashed"),
        (robots_children.swell, "robots_memory"),
        (robots_children.lie, "robots_malformed"),
    ],
)
async def test_a_file_that_ends_its_child_refuses_its_pages_by_name(
    child: Callable[[tuple[str, bytes]], bytes], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots_parser, "parse_job", child)
    async with ExtractorPool(
        children=1, timeout=2, memory_limit=1 << 28, preloaded=("atlas.web.robots_parser",)
    ) as pool:
        with pytest.raises(PageError) as raised:
            await robots_parsed(pool, URL, b"User-agent: *")
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.BLOCKED, code)
    assert URL in raised.value.message


class Deadly:
    """Parses nothing until it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.well = False

    async def __call__(self, url: str, body: bytes) -> RobotsTxt:
        self.calls += 1
        if not self.well:
            raise PageError(ErrorClass.BLOCKED, "robots_crashed", f"{url} could not be parsed")
        return robots_of(body)


async def test_what_cannot_be_parsed_is_not_tried_for_each_page() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    deadly = Deadly()
    async with web(parse_robots=deadly, clock=lambda: now) as (client, origin):
        origin.page("/a", "text")
        origin.robots("User-agent: *\nDisallow: /b")
        for _ in range(2):
            error = await refused(client, origin.url("/a"))
            assert (error.error_class, error.code) == (ErrorClass.BLOCKED, "robots_crashed")
            assert "no page is fetched without it" in error.message
        assert (deadly.calls, len(origin.requests("/robots.txt"))) == (1, 1)
        deadly.well = True
        now += timedelta(seconds=31)
        assert (await get(client, origin.url("/a")))[1] == b"text"
        assert deadly.calls == 2
        assert origin.requests("/a") and (await refused(client, origin.url("/b"))).code == (
            "robots_disallowed"
        )


async def test_without_a_parser_only_origins_without_a_file_are_asked() -> None:
    from atlas.web.robots_parser import unparsed

    async with web(parse_robots=unparsed) as (client, origin), Origin() as other:
        origin.page("/a", "text")
        assert (await get(client, origin.url("/a")))[1] == b"text"
        other.page("/a", "text")
        other.robots("User-agent: *\nAllow: /")
        assert (await refused(client, other.url("/a"))).code == "robots_malformed"


async def test_an_origin_is_parsed_once_and_large_rules_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deadly = Deadly()
    deadly.well = True
    monkeypatch.setattr(robots, "_KNOWN_SIZE", 3_000)
    async with web(parse_robots=deadly) as (client, origin), Origin() as other:
        for each in (origin, other):
            each.page("/b", "text")
        origin.robots("User-agent: *\nDisallow: /a")
        for _ in range(2):
            await get(client, origin.url("/b"))
        assert deadly.calls == 1
        other.robots("User-agent: *\nDisallow: /" + "a" * 2_000 + "\nDisallow: /" + "c" * 2_000)
        for _ in range(2):
            await get(client, other.url("/b"))  # larger than all may be: kept while it is used
        assert deadly.calls == 2
        await get(client, origin.url("/b"))
        assert deadly.calls == 3


GOOD = parse_job((URL, b"User-agent: *\nDisallow: /a*b$\nCrawl-delay: 2\nSitemap: /s.xml"))


@given(st.binary(max_size=200), st.integers(0, len(GOOD)), st.integers(0, len(GOOD)))
def test_no_answer_does_more_than_be_refused(noise: bytes, start: int, end: int) -> None:
    for answer in (noise, GOOD[:start] + noise + GOOD[end:]):
        with suppress(MalformedAnswer):
            read(answer).allows(f"{HOST}/a/b")


def test_the_line_that_the_limit_cuts_says_nothing() -> None:
    head = b"User-agent: *\nDisallow: /\nAllow: /a"
    shut = head + b"bc\n" + b"#" * PARSE_LIMIT
    assert robots_of(shut).allows(f"{HOST}/abc")
    padding = b"#" * (PARSE_LIMIT - len(head) - 1) + b"\n"
    cut = padding + head + b"bc\n"
    assert not robots_of(cut).allows(f"{HOST}/axx")
    whole = b"#" * (PARSE_LIMIT - len(head) - 2) + b"\n" + head + b"\n"
    assert robots_of(whole).allows(f"{HOST}/axx")
