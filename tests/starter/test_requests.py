"""Ids, summaries, and what makes two requests different."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.contracts.names import sync_request_id
from atlas.contracts.sync_pipeline import SyncRequest, SyncState
from starter.errors import DifferentRequest, InvalidRequest
from starter.runs.start import SUMMARY_BYTES, checked, differences, shortened, sync_summary


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (SyncRequest(sources=["docs"]), "sync_pipeline:docs"),
        (SyncRequest(sources=["docs", "docs"]), "sync_pipeline:docs"),
        (SyncRequest(all=True), "sync_pipeline:ALL"),
        (SyncRequest(sources=["all"]), "sync_pipeline:all"),
    ],
)
def test_the_id_names_what_is_synced(request_: SyncRequest, expected: str) -> None:
    assert sync_request_id(request_.sources, all=request_.all) == expected


def test_several_sources_meet_whatever_their_order() -> None:
    first = sync_request_id(["b", "a", "c"], all=False)
    assert first.startswith("sync_pipeline:a+2-")
    assert first == sync_request_id(["c", "b", "a"], all=False)
    assert first != sync_request_id(["a", "b", "d"], all=False)


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,62}", fullmatch=True), min_size=1))
def test_a_summary_fits_what_temporal_keeps(names: list[str]) -> None:
    assert len(sync_summary(SyncRequest(sources=names)).encode()) <= SUMMARY_BYTES


@given(st.text())
def test_shortening_cuts_between_characters(text: str) -> None:
    short = shortened(text)
    assert len(short.encode()) <= SUMMARY_BYTES
    assert short == text or text.startswith(short[:-1])


def test_who_asked_and_what_is_carried_over_make_no_difference() -> None:
    ours = SyncRequest(sources=["a", "b"], trigger="cli")
    theirs = SyncRequest(sources=["b", "a"], trigger="schedule", state=SyncState(level=3))
    assert differences(ours, theirs.model_dump()) == {}


def test_differences_are_shown() -> None:
    ours = SyncRequest(sources=["a"], due=True)
    found = differences(ours, SyncRequest(sources=["a"]).model_dump())
    assert found == {"due": (False, True)}
    message = str(DifferentRequest("sync_pipeline:a", found))
    assert "due: it has False, you asked for True" in message and "atlas runs cancel" in message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sources": ["Bad Name"]}, "Bad Name"),
        ({"sources": ["a"], "lanes": 99}, "lanes"),
        ({"sources": ["a"], "sorces": 1}, "did you mean 'sources'?"),
    ],
)
def test_a_refused_request_names_field_and_value(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match="SyncRequest") as refused:
        checked(SyncRequest, values)
    assert said in str(refused.value)
