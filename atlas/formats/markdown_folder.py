"""Documents as a folder of Markdown files with front matter, one file per page.

A part is the list of its files, in the form that `sha256sum` writes and checks.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import cast

from atlas.domain.export_entry import ExportEntry
from atlas.domain.export_parts import PartForm
from atlas.domain.exported_document import ExportedDocument
from atlas.domain.page_file_names import page_file_name
from atlas.formats.compression import How, compressing

# JSON is YAML, except for characters that YAML readers refuse or take for the end of a line.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_TEXTS = ("text", "markdown")


def page_in_markdown(document: ExportedDocument) -> bytes:
    """YAML front matter with every field but the texts, then the Markdown, or the text if there is
    none."""
    fields = {name: value for name, value in asdict(document).items() if name not in _TEXTS}
    lines = [f"{name}: {_yaml(value)}" for name, value in fields.items() if value is not None]
    body = document.markdown or document.text
    return "\n".join(["---", *lines, "---", "", body, ""]).encode()


def _yaml(value: object) -> str:
    if isinstance(value, datetime):
        value = value.isoformat().replace("+00:00", "Z")
    written = json.dumps(value, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


class MarkdownPart:
    """A `PartWriter`: many files, and the list of them."""

    def __init__(self, form: PartForm, folder: Path, name: str) -> None:
        self._folder, self._name, self._compress = folder, name, cast(How, form.compress)
        self.records = 0
        self._files: list[tuple[Path, str]] = []
        self._lines: list[str] = []

    def wants_body(self, entry: ExportEntry) -> bool:
        return False

    def add(self, entry: ExportEntry, body: bytes | None = None) -> None:
        document = entry.document
        ending = {"none": ".md", "gzip": ".md.gz", "zstd": ".md.zst"}[self._compress]
        name = page_file_name(document.url, ending)
        draft = self._folder / f"{len(self._files)}.draft"
        with draft.open("wb") as file:
            stream = compressing(file, self._compress)
            stream.write(page_in_markdown(document))
            stream.close()
        digest = hashlib.sha256(draft.read_bytes()).hexdigest()
        self._files.append((draft, name))
        self.records += 1
        self._lines.append(f"{digest}  {name}\n")

    def close(self) -> list[tuple[Path, str]]:
        draft = self._folder / self._name
        draft.write_text("".join(self._lines), encoding="utf-8")
        return [(draft, self._name), *self._files]
