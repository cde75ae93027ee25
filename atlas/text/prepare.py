"""All that costs CPU for one document, run inside a child process (`pool.py`)."""

from atlas.domain.analysis import index_parts
from atlas.domain.neardup import sketch
from atlas.domain.prepared import Prepared, PrepareJob
from atlas.text.extract import extract


def prepare(job: PrepareJob) -> Prepared:
    """Text, near-duplicate sketch and index parts of one body. Raises PageError as `extract`."""
    extracted = extract(job.body, job.content_type, job.charset, job.url)
    return Prepared(
        extracted=extracted,
        sketch=sketch(extracted.text),
        parts=index_parts(extracted.title, extracted.text),
    )
