"""A folder of files is a source like any other: what changes is read, what vanishes leaves on
evidence, and one bad day costs no document."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from atlas.domain.addresses.bucket_urls import folder_at
from tests.e2e.stack import AtlasEnv
from tests.invariants import assert_invariants
from tests.starter.conftest import Atlas, atlas
from tests.text.files.file_makers import paragraphs, pptx, shape
from tests.text.files.test_docx import made
from tests.text.files.test_pdf import pdf

__all__ = ["atlas"]


def words(number: int) -> str:
    return f"Berth number {number} is kept for the pilot boat, which leaves at {number} o'clock.\n"


async def test_a_folder_is_kept_in_step(
    atlas_env: AtlasEnv, atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "handbook"
    (root / "deep er").mkdir(parents=True)
    for number in range(20):
        (root / f"berth {number}.md").write_text(f"# Berth {number}\n\n{words(number)}")
    (root / "deep er" / "page.html").write_text(
        "<html lang=en><title>Locks</title><p>The lock opens twice a day, at high water.</p>"
    )
    (root / "tides.pdf").write_bytes(pdf(["High water comes an hour later every day."], "Tides"))
    (root / "mooring.docx").write_bytes(made())
    (root / "show.pptx").write_bytes(pptx([shape(paragraphs("Where boats may lie"), "title")]))
    (root / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setenv("ATLAS_BUCKET_ROOTS", str(root))
    url = folder_at(root.as_uri()).url
    refused = await atlas("sources", "add", "above", tmp_path.as_uri(), "--kind", "bucket")
    assert (refused.code, "ATLAS_BUCKET_ROOTS" in refused.err) == (2, True), refused
    refused = await atlas("sources", "add", "docs", url, "--kind", "site")
    assert (refused.code, "--kind bucket" in refused.err) == (2, True), refused
    added = await atlas("sources", "add", "handbook", root.as_uri(), "--kind", "bucket")
    assert added.code == 0, added.err
    async with atlas_env.worker():
        first = await atlas_env.sync("handbook")
        assert (first.outcome, first.counts.added, first.complete) == ("completed", 24, True)
        shown = await atlas("docs", "show", f"{url}berth 3.md", "-o", "json")
        assert (shown.json["title"], shown.json["media"]) == ("Berth 3", "text")
        shown = await atlas("docs", "show", f"{url}mooring.docx", "-o", "json")
        assert (shown.json["title"], shown.json["media"]) == ("Mooring", "docx")
        shown = await atlas("docs", "show", f"{url}show.pptx", "-o", "json")
        assert (shown.json["title"], shown.json["media"]) == ("Where boats may lie", "pptx")
        found = await atlas("search", '"high water"', "-o", "json")
        titles = {each["url"].removeprefix(url) for each in found.json["results"]}
        assert titles == {"deep%20er/page.html", "tides.pdf"}
        picture = await atlas("explain", f"{url}picture.png")
        assert "not taken" in picture.out, picture.out

        again = await atlas_env.sync("handbook")
        assert (again.counts.unchanged, again.bytes) == (24, 0), "no file is read again"
        (root / "berth 3.md").write_text("# Berth 3\n\nIt is closed for the winter, and empty.\n")
        (root / "berth 20.md").write_text(f"# Berth 20\n\n{words(20)}")
        changed = await atlas_env.sync("handbook")
        assert (changed.counts.added, changed.counts.updated) == (1, 1)

        before = len(await live(atlas_env))
        aside = tmp_path / "aside"
        shutil.move(root, aside)
        for day in ("missing", "empty"):
            if day == "empty":
                root.mkdir()
            bad = await atlas_env.sync("handbook")
            assert (bad.outcome, bad.removed) == ("listing_failed", 0), day
            assert len(await live(atlas_env)) == before
        root.rmdir()
        shutil.move(aside, root)

        edited = await atlas("sources", "edit", "handbook", "--deletion", "prompt")
        assert edited.code == 0, edited.err
        for number in range(8):
            (root / f"berth {number}.md").unlink()
        held = await atlas_env.sync("handbook")
        assert (held.outcome, held.removed) == ("held", 0)
        for number in range(1, 8):
            (root / f"berth {number}.md").write_text(f"# Berth {number}\n\n{words(number)}")
        one = await atlas_env.sync("handbook")
        assert (one.removed, f"{url}berth%200.md" in await live(atlas_env)) == (1, False)
        explained = await atlas("explain", f"{url}berth%200.md")
        assert "left the corpus" in explained.out, explained.out
        planned = await atlas("sources", "show", "handbook", "-o", "json")
        assert planned.json["kind"] == "bucket"
    await assert_invariants(atlas_env.pool, atlas_env.blobs)


async def live(env: AtlasEnv) -> set[str]:
    rows = await env.pool.fetch(
        "select url from pages join versions v on v.page_id = pages.id where v.valid_to is null"
    )
    return {row["url"] for row in rows}
