"""`export_corpus`: which documents are exported, in which format, and where to."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from atlas.contracts.jobs import Carried, EventsSpent, HistoryEvents, Progress, Trigger
from atlas.contracts.models import Message, Request, SourceName

MAX_NAMED = 1000
"""Sources, or languages, that one export may name."""
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class DocumentFilter(Request):
    """Which live documents; `{}` means all but those that are marked as duplicates."""

    sources: list[SourceName] = Field(default_factory=list, max_length=MAX_NAMED)
    """Only pages that one of these sources holds; empty: any source."""
    langs: list[LanguageCode] = Field(default_factory=list, max_length=MAX_NAMED)
    """Only these languages, such as `de`; empty: any language, known or not."""
    host: str | None = Field(default=None, min_length=1, max_length=300)
    """Only pages on this host, `name[:port]`."""
    prefix: str | None = Field(default=None, min_length=8, max_length=2000)
    """Only URLs that begin with this, `https://` included."""
    changed_since: AwareDatetime | None = None
    """Only documents that got their present text at this moment or later."""
    changed_before: AwareDatetime | None = None
    """Only documents that got their present text before this moment."""
    include_duplicates: bool = False
    """Also pages that `deduplicate_documents` marked as duplicates."""

    @model_validator(mode="after")
    def _selects_something(self) -> Self:
        since, before = self.changed_since, self.changed_before
        if since is not None and before is not None and since >= before:
            raise ValueError("'changed_since' must be earlier than 'changed_before'")
        if self.prefix is not None and not self.prefix.startswith(("http://", "https://")):
            raise ValueError("'prefix' begins with http:// or https://, as stored URLs do")
        return self


ExportFormat = Literal["jsonl", "markdown-folder", "parquet", "warc"]
Exported = Literal["documents", "chunks"]
Compression = Literal["none", "gzip", "zstd"]
ExportOutcome = Literal["completed", "unknown_source", "target_refused", "cancelled"]

_USUAL: dict[str, Compression] = {"parquet": "zstd", "warc": "gzip"}
_IN_ROWS = ("jsonl", "parquet")
"""Formats in which a page may be several records."""
_ENDINGS: dict[str, str] = {"none": "", "gzip": ".gz", "zstd": ".zst"}
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")


def name_ending(format: str, compress: str) -> str:
    """How the name of a part ends in this format."""
    if format == "markdown-folder":
        return ".sha256"
    if format == "parquet":  # compressed within
        return ".parquet"
    return f".{format}{_ENDINGS[compress]}"


def usual_compression(format: str) -> Compression:
    """How a format is compressed unless the request says otherwise."""
    return _USUAL.get(format, "none")


class ExportState(Message):
    """What a run carries when it continues as new."""

    as_of: AwareDatetime | None = None
    """The moment of the choice; null: nothing has been chosen yet."""
    chosen: int = 0
    """Documents that were chosen."""
    written: int = 0
    """Documents in finished parts."""
    finished: bool = False
    """Whether every part was written once."""
    progress: Progress = Progress()
    started: float = 0.0
    """Seconds since the epoch."""
    events: int = 0
    """History events of the executions before this one."""


class ExportRequest(Request):
    """Which documents to write, in which format, and where to."""

    to: str = Field(min_length=2, max_length=2000)
    """An absolute path on the machines of the workers, or `s3://bucket/prefix`. A path with the
    ending of the format (`.jsonl`, `.parquet`, `.warc.gz`) becomes one file; anything else is a
    folder of parts."""
    format: ExportFormat = "jsonl"
    """How documents are written."""
    what: Exported = "documents"
    """Documents, or the chunks that they are cut into."""
    chunk_size: int = Field(default=1_500, ge=200, le=100_000)
    """The greatest size of a chunk, in characters of Markdown, code apart."""
    compress: Compression = Field(default_factory=lambda data: usual_compression(data["format"]))
    """How the output is compressed: `none` unless given; in Parquet `zstd`, in
    WARC `gzip`."""
    only: DocumentFilter = DocumentFilter()
    """Which documents; by default all but those marked as duplicates."""
    part_documents: int = Field(default=10_000, ge=1, le=100_000)
    """Documents per part; a part that a crash interrupted is written again from its beginning."""
    trigger: Trigger = "manual"
    max_history_events: HistoryEvents = 4000
    state: Carried[ExportState] = None

    @property
    def one_file(self) -> bool:
        """Whether the parts are joined into one file."""
        ending = name_ending(self.format, self.compress)
        folder = self.to.startswith("s3://") or self.format == "markdown-folder"
        return not folder and self.to.endswith(ending)

    @model_validator(mode="after")
    def _names_a_target(self) -> Self:
        if "\0" in self.to:
            raise ValueError("'to' has a zero character")
        if self.to.startswith("s3://"):
            if not _BUCKET.fullmatch(self.to) or re.search(
                r"[?#\\\s]|[^:]//|/\.{1,2}(/|$)", self.to
            ):
                raise ValueError("'to' names no bucket; write s3://bucket/prefix")
        elif not self.to.startswith("/"):
            raise ValueError("'to' is an absolute path, or s3://bucket/prefix")
        self._expect_ending()
        if self.what == "chunks" and self.format not in _IN_ROWS:
            raise ValueError(f"'what' 'chunks' is for jsonl and parquet, not for {self.format}")
        if self.format == "warc" and self.compress == "zstd":
            raise ValueError("'compress' 'zstd' is not for warc: readers expect gzip, or none")
        return self

    def _expect_ending(self) -> None:
        """A file name that promises another compression is a mistake."""
        if self.format == "markdown-folder":
            return
        ends = [name_ending(self.format, how) for how in ("gzip", "zstd", "none")]
        found = next((end for end in ends if self.to.endswith(end)), None)
        if found is None:
            return
        if self.to.startswith("s3://"):
            raise ValueError("'to' is a prefix under which the parts lie, not a file, in a bucket")
        if found != name_ending(self.format, self.compress):
            raise ValueError(
                f"'to' ends with {found}, which 'compress' {self.compress!r} does not make"
            )


class ExportResult(Message):
    """What was written. `run_id` is the first execution's, which names the run in the corpus."""

    workflow_id: str
    run_id: str
    outcome: ExportOutcome
    """`unknown_source` and `target_refused`: nothing was written, `message` says why."""
    to: str = ""
    """The file, or the folder or prefix with the parts and `manifest.json`."""
    format: str = "jsonl"
    """The format of the documents."""
    what: str = "documents"
    """`documents`, or `chunks`."""
    as_of: AwareDatetime | None = None
    """The moment at which the documents were chosen."""
    documents: int = 0
    """Documents written."""
    records: int = 0
    """Lines, rows, files or WARC records that they were written in: with chunks, and in WARC, more
    than documents."""
    parts: int = 0
    """Files that they were written to."""
    bytes: int = 0
    """Size of these files."""
    missing: int = 0
    """Documents that were chosen, but that are not written: they, or in WARC their bodies, are not
    stored any more."""
    message: str = ""
    seconds: float = 0.0
    """Duration, pauses included."""
    events: EventsSpent = 0


# Between the workflow and its activities


class ChosenFilter(Message):
    """A `DocumentFilter` between Atlas's own parts: lenient, since it was checked on entry."""

    sources: list[str] = Field(default_factory=list)
    langs: list[str] = Field(default_factory=list)
    host: str | None = None
    prefix: str | None = None
    changed_since: AwareDatetime | None = None
    changed_before: AwareDatetime | None = None
    include_duplicates: bool = False


class ExportStep(Message):
    """Continue an export, or end it."""

    run_id: str
    to: str
    format: str = "jsonl"
    compress: str = "none"
    what: str = "documents"
    chunk_size: int = 1_500
    one_file: bool = False
    part_documents: int = 10_000
    as_of: AwareDatetime | None = None
    """The moment of the choice, once it was made."""


class ChooseExport(ExportStep):
    """Claim the target, and choose the documents."""

    only: ChosenFilter = ChosenFilter()


class ExportChosen(Message):
    """What was chosen, or why nothing was."""

    as_of: AwareDatetime | None = None
    documents: int = 0
    refused: str = ""
    """Why the target cannot be used."""
    unknown: str = ""
    """Which source is unknown, and which are known."""


class PartsWritten(Message):
    """How far the export is."""

    documents: int = 0
    """Documents in finished parts."""
    more: bool = False
    """Whether there is more to write."""


class FinishExport(ExportStep):
    """Write outdated parts again, and complete the export."""

    only: ChosenFilter = ChosenFilter()


class ExportFinished(Message):
    """What the target holds."""

    documents: int = 0
    records: int = 0
    parts: int = 0
    bytes: int = 0
    missing: int = 0


class ForgetExport(ExportStep):
    """Remove what only the run needed."""

    discard: bool = False
    """Also remove what it wrote."""
