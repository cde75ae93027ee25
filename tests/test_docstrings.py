"""The docstrings of a model's fields, which are read when they are shown."""

from atlas.contracts.sync_pipeline import SourceOutcome, SyncRequest, SyncResult
from atlas.docstrings import describe, of_model


def test_a_schema_has_the_docstrings_of_a_models_fields_and_of_those_within_it() -> None:
    schema = describe(SyncResult).model_json_schema()
    assert schema["properties"]["bytes"]["description"] == "Bytes received."
    within, meanings = schema["$defs"]["SourceOutcome"]["properties"], of_model(SourceOutcome)
    assert meanings
    assert {name: within[name]["description"] for name in meanings} == meanings


def test_a_field_says_what_its_declaration_says_where_it_has_no_docstring() -> None:
    events = describe(SyncResult).model_json_schema()["properties"]["events"]
    assert events["description"].startswith("History events spent")


def test_a_model_that_was_described_reads_what_it_read() -> None:
    assert describe(SyncRequest) is SyncRequest
    request = SyncRequest(sources=["docs"])
    assert SyncRequest.model_validate(request.model_dump()) == request
