"""From the name of a format to its writer."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from atlas.formats.compression import How
from atlas.formats.part_writer import PartWriter


def open_part(format: str, compress: str, folder: Path, name: str) -> PartWriter:
    """Begin a part whose drafts are written to `folder`; `name` is the name of the part's file."""
    how = cast(How, compress)
    match format:
        case "jsonl":
            from atlas.formats.json_lines import JsonLinesPart

            return JsonLinesPart(folder, name, how)
        case "markdown-folder":
            from atlas.formats.markdown_folder import MarkdownPart

            return MarkdownPart(folder, name, how)
    raise ValueError(f"format: no '{format}'")
