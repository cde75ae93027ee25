"""A page in Markdown: front matter that YAML reads as it was, and the text below."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from atlas.formats.markdown_folder import page_in_markdown
from tests.formats.documents import NOON, document

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def parted(written: bytes) -> tuple[dict[str, object], str]:
    _, front, body = written.decode().split("---\n", 2)
    return yaml.safe_load(front), body


def test_front_matter_has_every_field_that_has_a_value_but_the_texts() -> None:
    front, body = parted(page_in_markdown(document()))
    assert front["title"] == "Tides"
    assert (front["sources"], front["version"]) == (["docs"], 1)
    assert front["changed_at"] == NOON.isoformat().replace("+00:00", "Z")
    assert not {"text", "markdown", "published", "duplicate_of"} & front.keys()
    assert body == "\n# Tides\n\nHigh water comes late.\n"


def test_a_page_without_markdown_has_its_text() -> None:
    assert parted(page_in_markdown(document(markdown="")))[1] == "\nHigh water comes late.\n"


@given(TEXTS, TEXTS)
def test_no_title_breaks_out_of_the_front_matter(title: str, truncated: str) -> None:
    front, body = parted(
        page_in_markdown(document(title=f"{title}\n---\nx: 1", truncated=truncated))
    )
    assert (front["title"], front["truncated"]) == (f"{title}\n---\nx: 1", truncated)
    assert "x" not in front
    assert body == "\n# Tides\n\nHigh water comes late.\n"
