"""`atlas docs`: the documents of the corpus."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.commands import held_documents
from starter.cli.framework.client import connected
from starter.cli.framework.moments import moment
from starter.cli.framework.options import First, Language, OfSource
from starter.cli.framework.output import (
    Columns,
    Format,
    emit,
    emit_line,
    listing,
    note,
    one_line,
    pairs,
    say,
)

if TYPE_CHECKING:
    from atlas.stores.postgres.crawl.pages.quarantine import Quarantined
    from atlas.stores.postgres.services.catalogue import ListedDocument

app = App(
    name="docs",
    help="Documents: list, show, put, withdraw, chunks, history, diff, restore, held, quarantined.",
)
app.command(held_documents.held)
app.command(held_documents.accept)

_DOCUMENTS: Columns[ListedDocument] = {
    "url": lambda each: each.url,
    "lang": lambda each: each.lang,
    "title": lambda each: each.title,
    "truncated": lambda each: each.truncated,
}
_QUARANTINED: Columns[Quarantined] = {
    "url": lambda each: each.url,
    "code": lambda each: each.code,
    "since": lambda each: each.since,
    "live": lambda each: each.live,
    "reason": lambda each: each.reason,
}


@app.default
@app.command(name="list")
async def list_(
    *,
    source: OfSource = None,
    lang: Language = None,
    limit: First = None,
    unique: Annotated[
        bool, Parameter(help="Leave out the duplicates that `atlas dedup` marked")
    ] = False,
    output: Format = "text",
) -> None:
    """List the current documents by URL.

    Examples:
        atlas docs list --source docs --limit 20
        atlas docs list --unique -o jsonl
    """
    async with connected() as atlas:
        documents = atlas.documents(source=source, lang=lang, limit=limit, unique=unique)
        async with aclosing(documents) as found:
            if output == "jsonl":  # as they come: there may be millions
                async for each in found:
                    emit_line(each)
            else:
                listing("documents", [each async for each in found], output, _DOCUMENTS)
        count = await atlas.unknown_language(source=source, unique=unique) if lang else 0
    if count:
        documents_of = "1 document has" if count == 1 else f"{count} documents have"
        note(f"{documents_of} an unknown language; left out by --lang {lang}.")


@app.command
async def show(
    url: Annotated[str, Parameter(help="As stored, or as a browser shows it")],
    /,
    *,
    version: Annotated[int | None, Parameter(help="What it said in this version")] = None,
    at: Annotated[
        str | None,
        Parameter(help="What it said then: 2026-11-28T10:00, or how long ago, such as 6h"),
    ] = None,
    output: Format = "text",
) -> None:
    """Show the current document of a URL, or one of the past, with its text and its versions.

    Examples:
        atlas docs show https://docs.example.com/
        atlas docs show https://docs.example.com/ --version 3
        atlas docs show https://docs.example.com/ --at 2d
        atlas docs show https://docs.example.com/ -o json | jq .versions
    """
    then = None if at is None else moment("--at", at)
    async with connected() as atlas:
        document = await atlas.document(url, version=version, at=then)
    if output != "text":
        emit("document", document, output=output)
        return
    values = asdict(document.current) | {"versions": len(document.versions)}
    text, markdown, _ = values.pop("text"), values.pop("markdown"), values.pop("outline")
    del values["stated"]
    pairs(values)
    for each in document.current.stated or ():
        say(one_line(f"{each.field}, by {each.tag}: {each.value}"))
    say("")
    say(markdown or text)


@app.command
async def quarantined(
    *, source: OfSource = None, limit: First = None, output: Format = "text"
) -> None:
    """List documents that are no longer processed because extraction failed too often.

    `atlas process --url URL --force` tries one again.

    Examples:
        atlas docs quarantined
        atlas docs quarantined --source docs
    """
    async with connected() as atlas:
        found = await atlas.quarantined(source=source, limit=limit)
    listing("quarantined", found, output, _QUARANTINED)


app.command("starter.cli.commands.chunks:chunks", name="chunks")
app.command("starter.cli.commands.page_history:history", name="history")
app.command("starter.cli.commands.page_history:diff", name="diff")
app.command("starter.cli.commands.push:put", name="put")
app.command("starter.cli.commands.push:withdraw", name="withdraw")
app.command("starter.cli.commands.restore:restore", name="restore")
