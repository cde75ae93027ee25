"""`atlas docs`: the documents of the corpus."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from starter.cli.framework.output import Format, emit, emit_line, emit_list, note, pairs, say, table

if TYPE_CHECKING:
    from atlas.stores.postgres.services.catalogue import ListedDocument
    from starter.client import Document

app = App(name="docs", help="List the documents of the corpus, or show one.")


@app.command(name="list")
async def list_(
    *,
    source: Annotated[str | None, Parameter(help="Only pages of this source")] = None,
    lang: Annotated[str | None, Parameter(help="Only this language, as in de")] = None,
    limit: Annotated[int | None, Parameter(help="The first so many")] = None,
    unique: Annotated[
        bool,
        Parameter(show_default=False, help="Leave out the duplicates that `atlas dedup` marked"),
    ] = False,
    output: Format = "text",
) -> int:
    """List every current document by URL.

    Examples:
        atlas docs list --source docs --limit 20
        atlas docs list --unique -o jsonl
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        documents = atlas.documents(source=source, lang=lang, limit=limit, unique=unique)
        async with aclosing(documents) as found:
            if output == "jsonl":
                async for each in found:
                    emit_line(asdict(each))
            else:
                _print([each async for each in found], output)
        if lang is not None:
            _tell_unknown(await atlas.unknown_language(source=source, unique=unique), lang)
    return 0


def _print(listed: list[ListedDocument], output: Format) -> None:
    if output == "text":
        table(("url", "lang", "title"), [(each.url, each.lang, each.title) for each in listed])
    else:
        emit_list("documents", "documents", [asdict(each) for each in listed])


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
) -> int:
    """Show the current document of a URL, with its text and every version it had.

    Examples:
        atlas docs show https://docs.example.com/
        atlas docs show https://docs.example.com/ -o json | jq .versions
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        document = await atlas.document(url)
    if output != "text":
        emit("document", as_json(document), output)
        return 0
    values = as_json(document)
    values["versions"] = len(document.versions)
    text = values.pop("markdown") or values.pop("text")
    values.pop("text", None)
    pairs(values)
    say("")
    say(text)
    return 0


@app.command
async def quarantined(
    *,
    source: Annotated[str | None, Parameter(help="Only pages of this source")] = None,
    limit: Annotated[int | None, Parameter(help="The first so many")] = None,
    output: Format = "text",
) -> int:
    """List documents that failed in extraction too often and are left alone, with the reason.

    `atlas process --url URL --force` tries one again.

    Examples:
        atlas docs quarantined
        atlas docs quarantined --source docs
    """
    from starter.client import AtlasClient

    async with AtlasClient.connect() as atlas:
        found = await atlas.quarantined(source=source, limit=limit)
    if output != "text":
        emit_list("quarantined", "documents", [asdict(each) for each in found], output)
    else:
        rows = [(each.url, each.code, each.since, each.live, each.reason) for each in found]
        table(("url", "code", "since", "live", "reason"), rows)
    return 0


def as_json(document: Document) -> dict[str, Any]:
    """The document as `-o json` prints it."""
    return {
        **asdict(document.current),
        "versions": [asdict(version) for version in document.versions],
    }
