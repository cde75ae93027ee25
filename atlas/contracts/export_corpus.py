"""What of the corpus is exported."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from atlas.contracts.models import Request, SourceName

MAX_NAMED = 1000
"""Sources or languages of one export."""
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]


class DocumentFilter(Request):
    """Which live documents; `{}` means all but those that are marked as duplicates."""

    sources: list[SourceName] = Field(default_factory=list, max_length=MAX_NAMED)
    """Only pages that one of these sources holds; empty: any."""
    langs: list[LanguageCode] = Field(default_factory=list, max_length=MAX_NAMED)
    """Only these languages, as in `de`; empty: any, and those that are unknown."""
    host: str | None = Field(default=None, min_length=1, max_length=300)
    """Only pages on this host, `name[:port]`."""
    prefix: str | None = Field(default=None, min_length=8, max_length=2000)
    """Only URLs that begin with this, `https://` included."""
    changed_since: AwareDatetime | None = None
    """Only documents that have had their text since this moment, or for a shorter time."""
    changed_before: AwareDatetime | None = None
    """Only documents that had their text before this moment."""
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
