"""All that costs CPU for one document, run inside a child process (`pool.py`)."""

from atlas.domain.chunking.document_chunks import cut_bounds
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.domain.search.index_parts import index_parts
from atlas.domain.similarity.near_duplicates import sketch
from atlas.text.extract import extract

_CUT_AT_ONCE = 300_000
"""Characters up to which a document is cut into chunks when it is prepared. More take seconds, and
such documents are few: they are cut when they are shown."""


def prepare(job: PrepareJob) -> Prepared:
    """Text, near-duplicate sketch and chunks of one body. Raises PageError and ReadBefore as
    `extract`."""
    found = extract(
        job.body, job.content_type, job.charset, job.url, job.rules, job.title, job.known
    )
    longest = max(len(found.text), len(found.markdown))
    chunks = None
    if longest <= _CUT_AT_ONCE:
        chunks = cut_bounds(found.text, found.markdown, found.outline)
    return Prepared(extracted=found, sketch=sketch(found.text), chunks=chunks)


def warm_up() -> None:
    """Load models and tables by use, so that processes forked from this one share them."""
    # Long enough for a choice to be made: of a few words all are kept.
    sentences = b"<p>One of the sentences that the models are loaded with.</p>" * 12
    page = b"<html><title>Warm</title><body>" + sentences + b"</html>"
    found = prepare(PrepareJob(page, "text/html", None, "https://warm.invalid/")).extracted
    index_parts(found.title, found.text)
