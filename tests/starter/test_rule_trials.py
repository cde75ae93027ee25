"""Rules of extraction from the command line: tried on a page, shown before they are declared, then
applied to the stored bodies without a request."""

from __future__ import annotations

import pytest

from starter import AtlasClient
from starter.errors import InvalidRequest
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.origin import Origin
from tests.starter.conftest import Atlas

PROSE = "The ferry leaves the quay at seven, and the keeper writes the hour into the book. "


def page(name: str, views: int = 1) -> str:
    return (
        f"<html lang=en><title>{name}</title><main><p>{name}. {PROSE * 3}</p>"
        f"<p class=offer>Cheap nets for {name}, today only.</p><p>{PROSE}</p>"
        f"<p class=views>Seen {views} times.</p><p class=by>Ada Quay</p></main></html>"
    )


async def rows(env: AtlasEnv) -> int:
    return int(
        await env.pool.fetchval(
            "select (select count(*) from documents) + (select count(*) from fetches) "
            "+ (select count(*) from pages) + (select count(*) from runs)"
        )
    )


async def test_rules_are_tried_shown_and_applied_without_a_request(
    atlas_env: AtlasEnv, origin: Origin, atlas: Atlas
) -> None:
    for name in ("a", "b", "c", "elsewhere"):
        origin.page(f"/docs/{name}", page(name))
    *urls, fresh = (origin.url(f"/docs/{name}") for name in ("a", "b", "c", "elsewhere"))
    await atlas_env.add_source("docs", "urls", *urls)
    async with atlas_env.worker():
        assert (await atlas_env.sync("docs")).counts.added == 3
        before, asked = await rows(atlas_env), len(origin.requests())

        # On one page: the stored body, then one that is not stored.
        found = await atlas("sources", "test", urls[0], "--remove", ".offer", "--content", ".none",
                            "--ignore", "/Seen [0-9]+ times/", "--metadata", "author=.by",
                            "-o", "json")  # fmt: skip
        assert found.code == 0, found.err
        told = found.json
        assert (told["body"], told["source"], told["removed"], told["added"]) == (
            "stored", None, 6, 0,
        )  # fmt: skip
        assert "Cheap nets" in told["without"]["text"]
        assert "Cheap nets" not in told["by_rules"]["text"]
        assert told["by_rules"]["author"] == "Ada Quay"
        assert told["fell_back"] == "content .none: it selects nothing"
        assert [(each["kind"], each["matches"], each["first"]) for each in told["matches"]] == [
            ("content", 0, []),
            ("remove", 1, ["Cheap nets for a, today only."]),
            ("ignore", 1, ["Seen 1 times"]),
            ("metadata", 1, ["Ada Quay"]),
        ]
        assert len(origin.requests()) == asked
        shown = await atlas("sources", "test", fresh, "--remove", ".offer", "--source", "docs")
        assert shown.code == 0, shown.err
        assert "fetched now" in shown.out and "remove .offer: 1 found: “Cheap nets" in shown.out
        assert "[-Cheap nets for elsewhere, today only.-]" in shown.out
        assert len(origin.requests()) > asked
        asked = len(origin.requests())

        # On a source, before it is changed; then it is.
        rules = ("--remove", ".offer", "--ignore", ".views", "--ignore", ".nothing")
        preview = await atlas("sources", "edit", "docs", *rules, "--dry-run", "-o", "json")
        assert preview.code == 0, preview.err
        counts = {name: preview.json[name] for name in ("pages", "looked_at", "changed", "failed")}
        assert counts == {"pages": 3, "looked_at": 3, "changed": 3, "failed": 0}
        assert preview.json["unmatched"] == [{"kind": "ignore", "rule": ".nothing"}]
        assert before == await rows(atlas_env), "nothing was written"
        edited = await atlas("sources", "edit", "docs", *rules)
        assert "3 pages have a text by other rules" in edited.err
        again = await atlas("process", "--source", "docs", "--dry-run", "--sample", "2")
        assert "of 2 looked at, 2 would change" in again.out
        assert "[-Cheap nets for" in again.out
        assert "ignore .nothing: found nothing on any of them" in again.err
        done = await atlas("process", "--source", "docs", "--wait", "-o", "json")
        assert (done.code, done.json["counts"]["updated"]) == (0, 3), done.err
        assert "on none of 3 pages was anything found by: ignore .nothing" in done.json["message"]
        assert len(origin.requests()) == asked, "from the stored bodies alone"
        told = await atlas("explain", urls[0])
        assert "remove .offer (1), ignore .views (1), ignore .nothing (0)" in told.out

        # From now on a visitor more is no update.
        for name in ("a", "b", "c"):
            origin.page(f"/docs/{name}", page(name, 2))
        synced = await atlas_env.sync("docs")
        assert (synced.counts.unchanged, synced.counts.updated) == (3, 0)
        assert "ignore .nothing" in synced.message
        text = await atlas("docs", "show", urls[0], "-o", "json")
        assert "Seen 1 times" in text.json["text"]
        assert (await atlas("process", "--source", "docs", "--dry-run")).out.startswith(
            "docs: 0 pages have a text by other rules"
        )
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sources", "test", "https://a.example/", "--remove", "p["), "remove: 'p[' is no CSS"),
        (("sources", "test", "https://a.example/", "--source", "no"), "no source is named 'no'"),
        (("sources", "edit", "docs", "--content", "..", "--dry-run"), "content: '..' is no CSS"),
        (("sources", "edit", "docs", "--remove", "p", "--dry-run", "--sample", "0"), "give 1 to"),
        (("process", "--all", "--dry-run"), "dry-run: give --source NAME"),
    ],
)
async def test_what_cannot_be_tried_is_refused_by_name(
    corpus: str, atlas: Atlas, arguments: tuple[str, ...], said: str
) -> None:
    added = await atlas(
        "sources", "add", "docs", "https://example.org/", "--kind", "urls", "--force"
    )
    assert added.code == 0, added.err
    ran = await atlas(*arguments)
    assert ran.code != 0
    assert said in ran.err


async def test_the_client_refuses_rules_before_it_asks_for_anything(corpus: str) -> None:
    async with AtlasClient.connect() as atlas:
        with pytest.raises(InvalidRequest, match=r"ignore: .* is no regular expression"):
            await atlas.sources.test("https://example.org/", ignore=("/(/",))
