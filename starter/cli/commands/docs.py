"""`atlas docs`: the documents of the corpus."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from starter.cli.framework.client import connected
from starter.cli.framework.options import First, Language, OfSource
from starter.cli.framework.output import Format, emit, emit_line, emit_list, note, pairs, say, table

if TYPE_CHECKING:
    from atlas.stores.postgres.services.catalogue import ListedDocument

app = App(name="docs", help="List the documents of the corpus, or show one.")


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
    """List every current document by URL.

    Examples:
        atlas docs list --source docs --limit 20
        atlas docs list --unique -o jsonl
    """
    async with connected() as atlas:
        documents = atlas.documents(source=source, lang=lang, limit=limit, unique=unique)
        async with aclosing(documents) as found:
            if output == "jsonl":
                async for each in found:
                    emit_line(each)
            else:
                _print([each async for each in found], output)
        if lang is not None:
            _tell_unknown(await atlas.unknown_language(source=source, unique=unique), lang)


def _print(listed: list[ListedDocument], output: Format) -> None:
    if output == "text":
        table(("url", "lang", "title"), [(each.url, each.lang, each.title) for each in listed])
    else:
        emit_list("documents", listed)


def _tell_unknown(count: int, lang: str) -> None:
    if count:
        documents = "1 document" if count == 1 else f"{count} documents"
        note(f"{documents} whose language could not be told: left out by --lang {lang}.")


@app.command
async def show(
    url: Annotated[str, Parameter(help="As it stands in the corpus, or as a browser shows it")],
    /,
    *,
    output: Format = "text",
) -> None:
    """Show the current document of a URL, with its text and every version it had.

    Examples:
        atlas docs show https://docs.example.com/
        atlas docs show https://docs.example.com/ -o json | jq .versions
    """
    async with connected() as atlas:
        document = await atlas.document(url)
    if output != "text":
        emit("document", document, output=output)
        return
    values = asdict(document.current) | {"versions": len(document.versions)}
    text, markdown = values.pop("text"), values.pop("markdown")
    pairs(values)
    say("")
    say(markdown or text)


@app.command
async def quarantined(
    *,
    source: OfSource = None,
    limit: First = None,
    output: Format = "text",
) -> None:
    """List documents that failed in extraction too often and are left alone, with the reason.

    `atlas process --url URL --force` tries one again.

    Examples:
        atlas docs quarantined
        atlas docs quarantined --source docs
    """
    async with connected() as atlas:
        found = await atlas.quarantined(source=source, limit=limit)
    if output != "text":
        emit_list("quarantined", found, output)
    else:
        rows = [(each.url, each.code, each.since, each.live, each.reason) for each in found]
        table(("url", "code", "since", "live", "reason"), rows)
