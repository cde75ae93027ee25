"""`atlas docs put` and `atlas docs withdraw`: documents that Atlas does not fetch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.moments import moment
from starter.cli.framework.output import Format, note, one_line, say
from starter.cli.framework.run_follower import Ending, Following, Timeout, followed, stage_of
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from atlas.contracts.push_documents import PushedPage, PushResult

Pushed = Annotated[
    str | None,
    Parameter(help="The source of kind push; by default the one whose URL is the nearest above"),
]


async def put(
    url: Annotated[str, Parameter(help="The address of the document, http or https")],
    /,
    *,
    file: Annotated[
        str,
        Parameter(help="The file with its body; - for standard input", allow_leading_hyphen=True),
    ],
    source: Pushed = None,
    content_type: Annotated[
        str | None,
        Parameter(
            help="What it is, such as text/markdown or 'text/html; charset=latin1'; by default as "
            "the file's name and the body show"
        ),
    ] = None,
    title: Annotated[
        str | None, Parameter(help="Its title, instead of the one that it states")
    ] = None,
    modified: Annotated[
        str | None,
        Parameter(help="When it was last changed: 2026-11-28T10:00, or how long ago, such as 6h"),
    ] = None,
    timeout: Timeout = None,
    output: Format = "text",
) -> int:
    """Put a document into a source of kind push: Atlas takes the body as it is given, and fetches
    nothing.

    The address is an identity: the same one again is another version of the same document, and the
    same body again changes nothing.

    Exit code 0 when the document can be found, 1 when it could not be taken over.

    Examples:
        atlas docs put https://wiki.example.org/howto --file howto.html
        atlas docs put https://wiki.example.org/notes --file notes.md --title 'Notes of May'
        atlas docs put https://wiki.example.org/report --file -
    """
    changed = None if modified is None else moment("--modified", modified)
    async with connected() as atlas:
        with _opened(file) as body:
            started = await atlas.put(
                url,
                body,
                source=source,
                content_type=content_type or _type_of(file),
                title=title,
                modified=changed,
                trigger="cli",
            )
        following = Following(wait=True, timeout=timeout)
        return await followed(started, "push_documents", following=following, output=output)


async def withdraw(
    *urls: Annotated[str, Parameter(help="Documents that are gone, by URL")],
    source: Pushed = None,
    yes: Annotated[
        bool, Parameter(name=["--yes", "-y"], help="Let them go, however many leave within a day")
    ] = False,
    timeout: Timeout = None,
    output: Format = "text",
) -> int:
    """Say of documents that were put that they are gone: they leave the corpus.

    Their versions stay as history, and `atlas docs restore` brings them back, as `atlas docs put`
    does. A source whose deletion rule is `keep` keeps them; so many within a day that it may be a
    mistake (over 10% of the source, or 50) wait for `atlas deletions approve`.

    Exit code 0 when none of them is in the corpus any more, 1 otherwise.

    Examples:
        atlas docs withdraw https://wiki.example.org/howto
        atlas docs withdraw https://wiki.example.org/old https://wiki.example.org/older --yes
    """
    async with connected() as atlas:
        started = await atlas.withdraw(*urls, source=source, confirmed=yes, trigger="cli")
        following = Following(wait=True, timeout=timeout)
        return await followed(started, "push_documents", following=following, output=output)


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    from contextlib import nullcontext

    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise InvalidRequest(f"--file: {file}: {error.strerror or error}") from None


def _type_of(file: str) -> str | None:
    from atlas.domain.media_kinds import type_of_name

    return None if file == "-" else type_of_name(file)


def _print(result: PushResult) -> None:
    counts = result.counts
    say(
        f"{result.workflow_id}: {result.outcome}; {counts.added} added, {counts.updated} updated, "
        f"{counts.unchanged} unchanged, {result.removed} removed, "
        f"{counts.failed + result.missing} failed"
    )
    for page in result.pages:
        say(one_line(f"  {page.url}: {_became(page)}"))
    if counts.seen > len(result.pages):
        note(f"Outcome of every page: `atlas runs outcomes {result.run_id}`.")
    if result.message:
        note(result.message)


def _became(page: PushedPage) -> str:
    version = f", version {page.version}" if page.result in ("added", "updated") else ""
    why = ": ".join(filter(None, (page.code, page.reason)))
    return f"{page.result}{version}" + (f" ({why})" if why else "")


def _in_place(result: PushResult) -> bool:
    bad = any(page.result in ("failed", "skipped", "held") for page in result.pages)
    return result.outcome == "completed" and not result.missing and not bad


ENDING = Ending(_print, _in_place, stage_of, shape="push_result")
