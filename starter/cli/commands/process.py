"""`atlas process`: process stored documents again, without fetching them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.exit_codes import DONE
from starter.cli.framework.options import DryRun, Sample
from starter.cli.framework.output import Format, note, one_line, say
from starter.cli.framework.run_follower import STARTED_ONLY, Ending, Following, followed, stage_of
from starter.cli.views.extraction import show_preview
from starter.errors import InvalidRequest

if TYPE_CHECKING:
    from atlas.contracts.processing import BatchResult, ProcessResult
    from starter.client import AtlasClient


async def process(
    *,
    url: Annotated[list[str] | None, Parameter(help="The page of this URL")] = None,
    page: Annotated[list[int] | None, Parameter(help="The page with this number")] = None,
    snapshot: Annotated[
        str | None, Parameter(help="Every page whose latest body has this SHA-256")
    ] = None,
    source: Annotated[str | None, Parameter(help="Every page of this source")] = None,
    everything: Annotated[bool, Parameter(name="--all", help="Every stored document")] = False,
    quarantined: Annotated[
        bool, Parameter(help="Quarantined documents, of --source or of all; needs --force")
    ] = False,
    manifest: Annotated[
        str | None, Parameter(help="A file of URLs or JSON Lines; - for standard input")
    ] = None,
    failed_of: Annotated[str | None, Parameter(help="The pages that failed in this run")] = None,
    force: Annotated[
        bool, Parameter(help="Also documents that are up to date or quarantined")
    ] = False,
    chunk: Annotated[int, Parameter(help="Documents per chunk of a batch")] = 100,
    concurrency: Annotated[int, Parameter(help="Chunks of a batch at once")] = 2,
    dry_run: DryRun = False,
    sample: Sample = 10,
    following: Following = STARTED_ONLY,
    output: Format = "text",
) -> int:
    """Process stored documents again: `process_document` for one, `batch_process` for more.

    Documents that the current versions, and the rules of their source, have processed are skipped,
    unless --force. With --wait, exit code 0 when it is done, even if some documents failed, 1
    otherwise. With --source and --dry-run nothing is written: the text that the source's rules of
    extraction would make of some pages is shown as a difference to the live one.

    Examples:
        atlas process --source docs --dry-run
        atlas process --source docs --wait
        atlas process --failed-of docs --wait
        atlas process --manifest urls.txt --chunk 50
    """
    _expect_one_way(
        url=url,
        page=page,
        snapshot=snapshot,
        source=source or everything or quarantined,
        manifest=manifest,
        failed_of=failed_of,
        twice=bool(source and everything),
    )
    if dry_run and (not source or quarantined):
        raise InvalidRequest("dry-run: give --source NAME, whose pages are looked at")
    query = {"source": source, "quarantined": quarantined}
    async with connected() as atlas:
        if dry_run and source:
            show_preview(await atlas.sources.preview(source, sample=sample), output)
            return DONE
        one = _one(url, page, snapshot)
        if one:
            kind, asked_for = "process_document", {**one, "force": force}
        else:
            batch = await _batch(atlas, url, page, query, manifest, failed_of)
            batch |= {"force": force, "chunk": chunk, "concurrency": concurrency}
            kind, asked_for = "batch_process", batch
        run = await atlas.start(kind, **asked_for, trigger="cli")
        return await followed(run, kind, following=following, output=output)


def _expect_one_way(*, twice: bool, **asked: object) -> None:
    """Raises `InvalidRequest` unless documents are selected in one way. `twice`: one way is given
    in two forms that exclude each other."""
    given = [name.replace("_", "-") for name, value in asked.items() if value]
    if len(given) != 1 or twice:
        raise InvalidRequest(
            "select documents in exactly one way: --url, --page, --snapshot, --source (or --all, "
            f"--quarantined), --manifest or --failed-of; given: {', '.join(given) or 'none'}"
        )


def _one(url: list[str] | None, page: list[int] | None, snapshot: str | None) -> dict[str, Any]:
    if url and len(url) == 1:
        return {"url": url[0]}
    if page and len(page) == 1:
        return {"page": page[0]}
    return {"snapshot": snapshot} if snapshot else {}


async def _batch(
    atlas: AtlasClient,
    url: list[str] | None,
    page: list[int] | None,
    query: dict[str, Any],
    manifest: str | None,
    failed_of: str | None,
) -> dict[str, Any]:
    if manifest:
        digest = await atlas.manifest(_names(manifest))
        note(f"Manifest {digest}")
        return {"manifest": digest}
    if failed_of:
        return {"failed_of": (await atlas.recorded_run(failed_of, failures=0)).run.run_id}
    if url or page:
        return {"urls": url} if url else {"pages": page}
    return {"query": query}


def _names(file: str) -> Iterator[str | int]:
    """The pages in a file, one a line: a URL, {"url": …} or {"page": …}."""
    try:
        with sys.stdin if file == "-" else Path(file).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _name(line.strip(), number)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"manifest: {file!r} cannot be read: {error}") from None


def _name(line: str, number: int) -> str | int:
    if not line.startswith("{"):
        return line
    try:
        value = json.loads(line)
        name: str | int = value["page"] if value.get("page") else value["url"]
    except (ValueError, KeyError):
        raise InvalidRequest(
            f'manifest: line {number} has neither "url" nor "page": {line[:80]!r}'
        ) from None
    return name


def _is_fine(result: ProcessResult | BatchResult) -> bool:
    return result.outcome in ("completed", "completed_with_failures")


def _print(result: ProcessResult | BatchResult) -> None:
    values = result.model_dump(mode="json")
    counts = ", ".join(f"{number} {name}" for name, number in values["counts"].items())
    say(f"{result.workflow_id}: {result.outcome}; {counts}")
    for document in values.get("documents", ()):
        why = f" ({document['error_code']}: {document['error'] or ''})"
        line = f"  {document['url']}: {document['result']}{why if document['error_code'] else ''}"
        say(one_line(line))
    for failure in values.get("failures", ()):
        say(one_line(f"  {failure['url']}: {failure['code']}. {failure['message']}"))
    if values.get("manifest"):
        note(f"Outcome of every page: `atlas runs outcomes {result.run_id}`.")
    if result.message:
        note(result.message)


ENDING = Ending(_print, _is_fine, stage_of)
