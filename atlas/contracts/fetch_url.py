"""`fetch_url`: get one URL now, record it in the ledger, keep the body."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from atlas.contracts.models import Message, Request


class FetchUrlRequest(Request):
    """What to fetch and within which limits."""

    url: str = Field(min_length=1, max_length=8192)
    """http or https."""
    force: bool = False
    """Ignore stored validators and ask for the whole body."""
    timeout: float = Field(default=60.0, gt=0, le=600)
    """Seconds for the whole request, redirects included."""
    max_bytes: int = Field(default=32 * 1024 * 1024, gt=0, le=1024 * 1024 * 1024)
    """Largest decoded body, in bytes."""
    max_redirects: int = Field(default=10, ge=0, le=50)
    """Redirects followed; one more is a failure."""
    robots: Literal["obey", "ignore"] = "obey"
    """Whether robots.txt is asked first; ignore it only for sites of your own. It is obeyed all the
    same at another host to which the URL redirects."""
    render: Literal["never", "when_needed", "always"] = "never"
    """Whether [a browser renders](rendering.md) what its server answers with: a page without text
    until its scripts have run, or any HTML. A worker needs a browser for it: ATLAS_BROWSER."""


class Hop(Message):
    """One redirect followed."""

    url: str
    status: int


class FetchUrlResult(Message):
    """What came back. A page that answers 404 is a result, not an error."""

    url: str
    """The canonical form of the URL asked for."""
    status_code: int | None = None
    """The last HTTP status; null when no response arrived."""
    content_length: int = 0
    """Decoded bytes of the body."""
    success: bool = False
    """Whether a usable body (or 304) arrived."""
    final_url: str | None = None
    redirects: list[Hop] = Field(default_factory=list)
    etag: str | None = None
    last_modified: str | None = None
    content_type: str | None = None
    content_hash: str | None = None
    """SHA-256 of the decoded body; the snapshot's name in the blob store."""
    modified: bool = False
    """False when the server said 304 or the body is the one stored before."""
    elapsed: float = 0.0
    """Seconds."""
    robots_ignored: bool = False
    """Whether robots.txt was not asked, as the request says."""
    rendered: bool = False
    """Whether the body is what a browser made of the page. If it was to be and could not, the
    fetch failed, and what is said of a body is said of the one that the server sent."""
    error_class: str | None = None
    error_code: str | None = None
    error: str | None = None

    @property
    def needs_browser(self) -> bool:
        """Whether the page is to be rendered, and is not yet."""
        return self.error_code == "needs_browser"


# Between the workflow and its activities


class RenderOne(Message):
    """Render the page that was found."""

    request: FetchUrlRequest
    found: FetchUrlResult


class NotRendered(Message):
    """`result`: the failure of a page that is to be rendered, as no worker has a browser; None: one
    has, and the page can wait for it."""

    result: FetchUrlResult | None = None
