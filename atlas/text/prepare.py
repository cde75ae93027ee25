"""All that costs CPU for one document, run inside a child process (`pool.py`)."""

from atlas.domain.index_parts import index_parts
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.domain.similarity.near_duplicates import sketch
from atlas.text.extract import extract


def prepare(job: PrepareJob) -> Prepared:
    """Text and near-duplicate sketch of one body. Raises PageError and ReadBefore as `extract`."""
    extracted = extract(
        job.body, job.content_type, job.charset, job.url, job.rules, job.title, job.known
    )
    return Prepared(extracted=extracted, sketch=sketch(extracted.text))


def warm_up() -> None:
    """Load models and tables by use, so that processes forked from this one share them."""
    # Long enough for a choice to be made: of a few words all are kept.
    sentences = b"<p>One of the sentences that the models are loaded with.</p>" * 12
    page = b"<html><title>Warm</title><body>" + sentences + b"</html>"
    found = prepare(PrepareJob(page, "text/html", None, "https://warm.invalid/")).extracted
    index_parts(found.title, found.text)
