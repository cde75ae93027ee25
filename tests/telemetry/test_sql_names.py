"""SQL spans are named by what a statement does, and to which table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.telemetry.sql_names import summary


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("select $1::text", "SELECT"),
        ("select * from pages p join x on true for update", "SELECT pages"),
        ("select * from page_state for update of page_state skip locked", "SELECT page_state"),
        ("insert into runs (id) values ($1) on conflict do update set id = 2", "INSERT runs"),
        ("with t as (select 1), u as (update page_state set x = 1) select * from u",
         "UPDATE page_state"),
        ("with t as materialized (select id from run_pages) select * from t", "SELECT run_pages"),
        ("with gone as (delete from links l) insert into links select 1",
         "DELETE links INSERT links"),
        ("/* from elsewhere */ select 'from nowhere' -- from here\n from sources",
         "SELECT sources"),
        ("select extract(epoch from clock_timestamp()) from hosts", "SELECT hosts"),
        ("BEGIN;", "BEGIN"),
        ("lock table ledger", "LOCK"),
        ("", "SQL"),
    ],
)  # fmt: skip
def test_statements_are_named_by_operation_and_table(statement: str, name: str) -> None:
    assert summary(statement) == name


@given(st.text())
def test_any_text_has_a_short_name(statement: str) -> None:
    assert summary(statement)
    assert len(summary(f"select {statement}").split()) <= 6
