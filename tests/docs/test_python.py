"""docs/python.md: its examples, run in their order on one Atlas with a worker."""

import ast
import asyncio
import inspect
from typing import Any

import pytest

from tests.docs.pages import Block, blocks
from tests.e2e.stack import AtlasEnv
from tests.origin import Origin
from tests.starter.conftest import atlas_env, origin

__all__ = ["atlas_env", "origin"]

SITE = "https://docs.example.org/"
PROSE = "The harbour wakes before the bakery does, and the ferry bell rings twice in fog. "


def examples() -> list[Block]:
    found = [each for each in blocks("docs/python.md") if each.language == "python"]
    return [each for each in found if each.mark != "not run"]


async def test_the_examples_run_in_their_order(
    atlas_env: AtlasEnv, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    origin.page("/docs/", f"<html lang=en><title>Start</title><p>{PROSE}<a href=a>A</a>")
    origin.page("/docs/a", f"<html lang=en><title>Apples</title><p>Orchard apples. {PROSE}")
    names: dict[str, Any] = {}
    async with atlas_env.worker():
        for block in examples():
            await _run(block, block.text.replace(SITE, origin.url("/docs/")), names)
            if "Blocking()" not in block.text and (kept := names.get("atlas")):
                open_client = kept
        await open_client.close()
    said = capsys.readouterr().out
    for expected in (
        "completed",
        "Apples",
        "No Such Name",
        "nowhere",
        "still running",
        "304 False",
    ):
        assert expected in said, said


async def _run(block: Block, text: str, names: dict[str, Any]) -> None:
    """A block as in a notebook; one that awaits nothing is a program without an event loop."""
    code = compile(text, block.where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        await eval(code, names)
    else:
        await asyncio.to_thread(exec, code, names)
