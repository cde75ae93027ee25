"""Documents or chunks as rows of a Parquet file, whose columns are the fields of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from atlas.domain.export_entry import ExportEntry, records_of
from atlas.domain.export_parts import PartForm
from atlas.domain.exported_chunk import ExportedChunk
from atlas.domain.exported_document import ExportedDocument

_ROWS = 1_000
_CHARACTERS = 8 * 2**20
"""A row group ends after so many rows or characters of text: it is in memory as a whole."""
_COLUMNS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    datetime: pa.timestamp("us", tz="UTC"),
    tuple[str, ...]: pa.list_(pa.string()),
}


def parquet_schema(what: str) -> pa.Schema:
    """The columns of documents or of chunks: what the class says is optional is nullable."""
    kind = ExportedChunk if what == "chunks" else ExportedDocument
    hints = get_type_hints(kind)
    columns = []
    for field in fields(kind):
        hint = hints[field.name]
        options = get_args(hint) if NoneType in get_args(hint) else (hint,)
        [plain] = [each for each in options if each is not NoneType]
        columns.append(pa.field(field.name, _COLUMNS[plain], nullable=len(options) > 1))
    return pa.schema(columns, metadata={"atlas": f"exported_{what}/1"})


class ParquetPart:
    """A `PartWriter`: one file. The same rows always make the same bytes, since row groups are cut
    by what is in them."""

    def __init__(self, form: PartForm, folder: Path, name: str) -> None:
        self._draft, self._name, self._form = folder / name, name, form
        self._schema = parquet_schema(form.what)
        self._writer = _writer(form, self._draft, self._schema)
        self._rows: list[dict[str, Any]] = []
        self._characters = 0
        self.records = 0

    def wants_body(self, entry: ExportEntry) -> bool:
        return False

    def add(self, entry: ExportEntry, body: bytes | None = None) -> None:
        for record in records_of(entry, self._form.what, self._form.chunk_size):
            self._rows.append(asdict(record))
            self._characters += len(record.text) + len(record.markdown)
            self.records += 1
            if len(self._rows) >= _ROWS or self._characters >= _CHARACTERS:
                self._flush()

    def close(self) -> list[tuple[Path, str]]:
        self._flush()
        self._writer.close()
        return [(self._draft, self._name)]

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._characters = [], 0


def join_parquet(form: PartForm, parts: Sequence[Path], draft: Path) -> None:
    """Write the row groups of all parts as one file, one at a time."""
    schema = parquet_schema(form.what)
    with _writer(form, draft, schema) as writer:
        for part in parts:
            with pq.ParquetFile(part) as file:
                for number in range(file.num_row_groups):
                    # Columns by name: a part of before an upgrade may have them in another order.
                    writer.write_table(file.read_row_group(number).select(schema.names))


def _writer(form: PartForm, draft: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(draft, schema, compression=form.compress, write_page_checksum=True)
