"""`atlas import`: a web archive taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import DONE, FAILED
from starter.cli.framework.output import Format, emit, note, one_line, say

if TYPE_CHECKING:
    from starter.archives import ImportedArchive

_SHOWN = 20
"""Problems that are shown; -o json has more."""


async def import_archive(
    archive: Annotated[
        str,
        Parameter(
            help="A WARC file, plain or gzipped, or a folder of them; s3://bucket/key, or "
            "s3://bucket/prefix/"
        ),
    ],
    /,
    *,
    source: Annotated[str, Parameter(help="The source of kind push that gets the documents")],
    output: Format = "text",
) -> int:
    """Take over the documents of a web archive (WARC 0.17 to 1.1), and wait until they can be
    found.

    They belong to a source of kind push, whose addresses must cover them; nothing is fetched. Of a
    folder, or a prefix in S3, all files are read that end in .warc or .warc.gz. Of several captures
    of an address the latest is taken, in whichever file it is. An import that was interrupted can
    be repeated: what is there already is unchanged. A record that cannot be read is named with its
    offset, and the rest is taken over.

    Exit code 0 when every document and record could be taken over or passed over, 1 when some
    failed or are unreadable, 2 when there is no archive.

    Examples:
        atlas import crawl-2019.warc.gz --source old-site
        atlas import s3://archive/crawl-2019.warc.gz --source old-site -o json
        atlas import s3://archive/crawls/ --source old-site
    """
    async with connected() as atlas:
        found = await atlas.import_archive(archive, source=source, trigger="cli", tell=note)
    if output == "text":
        _print(found)
    else:
        emit("imported_archive", found, output=output)
    return FAILED if found.failed or found.unreadable else DONE


def _print(found: ImportedArchive) -> None:
    files = "" if found.archives == 1 else f"{found.archives} files, "
    say(
        f"{one_line(found.archive)}: {files}{found.documents} documents; {found.added} added, "
        f"{found.updated} updated, {found.unchanged} unchanged, {found.superseded} superseded, "
        f"{found.failed} failed"
    )
    if found.passed_over:
        reasons = ", ".join(
            f"{number} {one_line(why)}" for why, number in found.passed_over.items()
        )
        note(f"passed over: {reasons}")
    if found.unreadable:
        note(f"{found.unreadable} unreadable records")
    for problem in found.problems[:_SHOWN]:
        url = f" ({one_line(problem.url)})" if problem.url else ""
        where = "" if found.archives == 1 else f"{one_line(problem.archive)}: "
        note(f"{where}offset {problem.offset}{url}: {one_line(problem.reason)}")
    if len(found.problems) > _SHOWN:
        note(f"and {len(found.problems) - _SHOWN} more: -o json names them")
