"""A document is one line, whatever it says, and comes back as it was."""

import json
from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.exported_document import ExportedDocument
from atlas.formats.json_lines import json_line
from starter.cli.framework.output import plain
from tests.formats.documents import document

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def test_fields_come_in_the_declared_order_and_times_in_utc() -> None:
    written = json.loads(json_line(document()))
    assert list(written) == [each.name for each in fields(ExportedDocument)]
    assert written["changed_at"] == "2026-11-24T12:00:00Z"
    assert (written["sources"], written["published"]) == (["docs"], None)


@given(TEXTS, TEXTS)
def test_any_text_is_one_harmless_line_that_says_the_same(title: str, text: str) -> None:
    found = document(title=title, text=text)
    line = json_line(found)
    shown = line.decode()
    assert shown.splitlines() == [shown.removesuffix("\n")]
    assert not any(0x7F <= ord(each) <= 0x9F for each in shown)
    assert json.loads(line) == plain(found)
