"""From the name of a format to its writer, and parts joined into one file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.domain.export_parts import PartForm

if TYPE_CHECKING:
    from atlas.formats.part_writer import PartWriter


class ExportFormats:
    """What the activities of an export need of the formats. Modules are imported when used: they
    are slow to import, or may be missing."""

    def why_missing(self, format: str) -> str:
        """What this worker lacks to write the format, and the fix; empty: nothing."""
        if format == "parquet" and find_spec("pyarrow") is None:
            return (
                "format: 'parquet' needs pyarrow, which is not installed on the worker: "
                "pip install 'atlas-corpus[parquet]', or build the image of the workers with "
                "--build-arg REQUIREMENTS=requirements-worker-parquet.txt"
            )
        return ""

    def open_part(self, form: PartForm, folder: Path, name: str) -> PartWriter:
        """Begin a part whose drafts are written to `folder`; `name` is that of the part's file."""
        match form.format:
            case "jsonl":
                from atlas.formats.json_lines import JsonLinesPart

                return JsonLinesPart(form, folder, name)
            case "markdown-folder":
                from atlas.formats.markdown_folder import MarkdownPart

                return MarkdownPart(form, folder, name)
            case "parquet":
                from atlas.formats.parquet_rows import ParquetPart

                return ParquetPart(form, folder, name)
            case "warc":
                from atlas.formats.warc_part import WarcPart

                return WarcPart(form, folder, name)
        raise ValueError(f"format: no '{form.format}'")

    def join(self, form: PartForm, parts: Sequence[Path], draft: Path) -> None:
        """Write the parts as one file."""
        if form.format == "parquet":
            from atlas.formats.parquet_rows import join_parquet

            join_parquet(form, parts, draft)
            return
        with draft.open("wb") as whole:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)
