"""Lines for machines and people, with the run in them and no credentials."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from atlas.logs import log_context, redact, setup_logs

LOGGER = logging.getLogger("atlas.test")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_json_elsewhere_than_on_a_terminal(stream: io.StringIO) -> None:
    setup_logs(stream=stream)
    LOGGER.info("fetched %d pages", 3, extra={"host": "example.org"})
    (line,) = lines(stream)
    assert line.pop("time", "").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "atlas.test",
        "message": "fetched 3 pages",
        "host": "example.org",
    }


def test_text_on_a_terminal_with_the_source() -> None:
    terminal = Terminal()
    setup_logs(stream=terminal)
    with log_context(source="docs"):
        LOGGER.warning("slow host")
    assert terminal.getvalue()[9:] == "WARNING slow host  source=docs\n"


def test_the_environment_chooses_the_format(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_LOG_FORMAT", "text")
    setup_logs(stream=stream)
    LOGGER.info("hello")
    assert stream.getvalue().endswith("hello\n")
    assert not stream.getvalue().startswith("{")


def test_the_level_leaves_out_the_rest(stream: io.StringIO) -> None:
    setup_logs("warning", "json", stream)
    LOGGER.info("left out")
    LOGGER.warning("kept")
    assert [line["message"] for line in lines(stream)] == ["kept"]


async def test_an_activitys_logger_brings_its_run(stream: io.StringIO) -> None:
    setup_logs(format="json", stream=stream)
    with log_context(source="docs"):
        await asyncio.to_thread(
            ActivityEnvironment().run, lambda: activity.logger.info("working", extra={"n": 1})
        )
    (line,) = lines(stream)
    assert line["message"] == "working"
    assert (line["source"], line["workflow_id"], line["run_id"]) == ("docs", "test", "test-run")
    assert (line["activity"], line["attempt"], line["n"]) == ("unknown", 1, 1)
    assert "temporal_activity" not in line


async def test_contexts_nest_and_do_not_reach_other_tasks(stream: io.StringIO) -> None:
    setup_logs(format="json", stream=stream)
    entered, left = asyncio.Event(), asyncio.Event()

    async def inside() -> None:
        with log_context(source="docs"), log_context(lane=2):
            entered.set()
            await left.wait()
            LOGGER.info("inside")

    task = asyncio.create_task(inside())
    await entered.wait()
    LOGGER.info("outside")
    left.set()
    await task
    outside, within = lines(stream)
    assert "source" not in outside
    assert (within["source"], within["lane"]) == ("docs", 2)


def test_a_traceback_stays_on_the_line_and_without_secrets(stream: io.StringIO) -> None:
    setup_logs(format="json", stream=stream)
    try:
        raise OSError("cannot reach https://me:hunter2@example.org/")
    except OSError:
        LOGGER.exception("failed")
    (line,) = lines(stream)
    assert "Traceback" in str(line["error"])
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "https://user:SECRET99@example.org/path",
        "postgresql://atlas:SECRET99@db:5432/atlas",
        "https://SECRET99@example.org/",
        "Authorization: Bearer SECRET99",
        "authorization: Basic SECRET99==",
        "{'Authorization': 'Bearer SECRET99', 'Accept': '*/*'}",
        '{"authorization": "SECRET99"}',
        "(b'Authorization', b'Bearer SECRET99')",
        "Cookie: session=SECRET99; other=1",
        "sent Bearer SECRET99 to the host",
        "https://example.org/?q=1&api_key=SECRET99&page=2",
        "host=db password=SECRET99 user=atlas",
        "AWS_SECRET_ACCESS_KEY=SECRET99",
        "X-Amz-Signature=SECRET99",
    ],
)
def test_credentials_are_left_out(text: str) -> None:
    shown = redact(text)
    assert "SECRET99" not in shown
    assert "[redacted]" in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/@user/post?x=a@b.org",
        "fetched 100 pages from https://example.org:8080/basic tutorial",
        "mail to someone@example.org",
        "the tokenizer took 3 s",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("format", ["json", "text"])
def test_secrets_in_arguments_and_fields(stream: io.StringIO, format: str) -> None:
    setup_logs(format=format, stream=stream)
    headers = {"Authorization": "Bearer SECRET99", "Accept": "text/html"}
    LOGGER.info("asked %s", "https://a:SECRET99@example.org/", extra={"headers": headers})
    LOGGER.info("with", extra={"password": "SECRET99", "urls": ["ftp://x:SECRET99@h/"]})
    assert "SECRET99" not in stream.getvalue()


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.binary() | st.none()), st.text())
def test_any_fields_make_one_json_line(fields: dict[str, object], message: str) -> None:
    stream = io.StringIO()
    setup_logs(format="json", stream=stream)
    LOGGER.info("%s", message, extra={"any": fields})
    (line,) = [line for line in stream.getvalue().split("\n") if line]
    assert set(json.loads(line)["any"]) == set(fields)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "loud"}, "ATLAS_LOG_LEVEL: 'loud'.*debug, info"),
        ({"format": "xml"}, "ATLAS_LOG_FORMAT: 'xml'.*json or text"),
    ],
)
def test_a_setting_that_is_unknown(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        setup_logs(**arguments)
