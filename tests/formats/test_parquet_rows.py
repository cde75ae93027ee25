"""Rows come back from Parquet as the documents or chunks that they were, whatever these say."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain.export_entry import ExportEntry, records_of
from atlas.domain.export_parts import PartForm
from atlas.domain.exported_chunk import ExportedChunk
from atlas.domain.exported_document import ExportedDocument
from atlas.domain.extraction.outline import OutlineSection
from atlas.formats import export_formats, parquet_rows
from atlas.formats.export_formats import ExportFormats
from tests.formats.documents import NOON, document

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
TEXT = "Tides\n\nHigh water comes late.\n\nBells\n\nThe bell rings twice. " * 20
OUTLINE = (OutlineSection(0, 1, "Tides", "tides"), OutlineSection(31, 2, "Bells", None))


def written(folder: Path, form: PartForm, entries: list[ExportEntry]) -> Path:
    part = ExportFormats().open_part(form, folder, "part.parquet")
    for entry in entries:
        part.add(entry)
    [(draft, _)] = part.close()
    return draft


def rows(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()


def plain(record: ExportedDocument | ExportedChunk) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(record).items()}  # fmt: skip


def form(**more: Any) -> PartForm:
    return PartForm(format="parquet", compress="zstd", as_of=NOON, **more)


@given(TEXTS, TEXTS, st.none() | TEXTS)
@settings(max_examples=30)
def test_a_document_comes_back_as_it_was(title: str, text: str, lang: str | None) -> None:
    found = document(title=title, text=text, lang=lang, fetched_at=None, sources=("a", "b"))
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), form(), [ExportEntry(found)])
        assert rows(path) == [plain(found)]


def test_columns_are_the_fields_and_what_is_optional_is_nullable(tmp_path: Path) -> None:
    for what, kind in (("documents", ExportedDocument), ("chunks", ExportedChunk)):
        schema = pq.read_schema(written(tmp_path, form(what=what), []))
        assert schema.names == [field.name for field in fields(kind)]
        assert schema.metadata == {b"atlas": f"exported_{what}/1".encode()}
        assert not schema.field("url").nullable and schema.field("lang").nullable
        assert str(schema.field("changed_at").type) == "timestamp[us, tz=UTC]"


def test_chunks_are_those_of_the_document(tmp_path: Path) -> None:
    entry = ExportEntry(document(text=TEXT, markdown=""), OUTLINE)
    path = written(tmp_path, form(what="chunks", chunk_size=300), [entry])
    chunks = records_of(entry, "chunks", 300)
    assert rows(path) == [plain(each) for each in chunks]
    assert len(chunks) > 3
    assert chunks[0].section_url == "https://example.org/a#tides"


def test_row_groups_are_bounded_by_rows_and_by_text_and_joined_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "_ROWS", 5)
    monkeypatch.setattr(parquet_rows, "_CHARACTERS", 1000)
    short = [ExportEntry(document(version=number)) for number in range(1, 12)]
    long = [ExportEntry(replace(each.document, text="x" * 1000)) for each in short[:3]]
    parts = []
    for name, entries in (("short", short), ("long", long)):
        (tmp_path / name).mkdir()
        parts.append(written(tmp_path / name, form(), entries))
    groups = [pq.read_metadata(path) for path in parts]
    sizes = [[meta.row_group(n).num_rows for n in range(meta.num_row_groups)] for meta in groups]
    assert sizes == [[5, 5, 1], [1, 1, 1]]
    assert groups[0].row_group(0).column(2).compression == "ZSTD"
    ExportFormats().join(form(), parts, tmp_path / "whole")
    assert rows(tmp_path / "whole") == rows(parts[0]) + rows(parts[1])
    assert pq.read_metadata(tmp_path / "whole").num_row_groups == 6


def test_a_part_with_its_columns_in_another_order_is_joined_by_their_names(tmp_path: Path) -> None:
    part = written(tmp_path, form(), [ExportEntry(document())])
    table = pq.read_table(part)
    pq.write_table(table.select(table.schema.names[::-1]), tmp_path / "older")
    ExportFormats().join(form(), [tmp_path / "older", part], tmp_path / "whole")
    assert pq.read_schema(tmp_path / "whole").names == table.schema.names
    assert rows(tmp_path / "whole") == 2 * rows(part)


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    entries = [ExportEntry(document(version=number, text=TEXT)) for number in range(1, 50)]
    first = written(tmp_path, form(), entries).read_bytes()
    assert written(tmp_path, form(), entries).read_bytes() == first


def test_without_pyarrow_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ExportFormats().why_missing("parquet") == ""
    monkeypatch.setattr(export_formats, "find_spec", lambda name: None)
    assert "pip install 'atlas-corpus[parquet]'" in ExportFormats().why_missing("parquet")
    assert ExportFormats().why_missing("jsonl") == ""
