"""What a child makes of one body."""

from atlas.domain.chunking.document_chunks import document_chunks
from atlas.domain.prepared import PrepareJob
from atlas.text.prepare import prepare

URL = "https://a.example/fog"
PAGE = "<h1>Fog</h1>" + "<h2>Signals</h2><p>A horn is sounded in thick fog.</p>" * 60


def test_the_chunks_are_those_of_an_export() -> None:
    made = prepare(PrepareJob(PAGE.encode(), "text/html", None, URL))
    found = made.extracted
    exported = document_chunks(URL, found.text, found.markdown, found.outline)
    assert made.chunks is not None
    assert [each.digest for each in made.chunks] == [chunk.id[-16:] for chunk in exported]


def test_a_very_long_text_is_not_cut() -> None:
    body = b"A horn is sounded in thick fog.\n" * 10_000
    assert prepare(PrepareJob(body, "text/plain", None, URL)).chunks is None
