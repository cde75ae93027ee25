"""Names that a proxy would look up in its own network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.local_names import is_local_name, is_this_machine_by_name

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
RESERVED = ["localhost", "local", "lan", "home.arpa", "internal", "corp", "home", "intranet"]


@given(st.lists(LABEL, max_size=3), st.sampled_from(RESERVED), st.sampled_from(["", "."]))
def test_whatever_stands_below_a_reserved_name_is_local(
    labels: list[str], reserved: str, dot: str
) -> None:
    name = ".".join([*labels, reserved]) + dot
    assert is_local_name(name)
    assert is_local_name(name.upper())
    assert is_this_machine_by_name(name) == (reserved == "localhost")


@given(LABEL)
def test_a_name_without_a_dot_is_local(label: str) -> None:
    assert is_local_name(label) and is_local_name(f"{label}.")


@given(st.lists(LABEL, min_size=1, max_size=3), st.sampled_from(["org", "example", "com", "arpa"]))
def test_other_names_are_not(labels: list[str], top: str) -> None:
    name = ".".join([*labels, top])
    assert is_local_name(name) == (name.endswith("home.arpa") and labels[-1] == "home")
    assert not is_this_machine_by_name(name)


@pytest.mark.parametrize(
    "name", ["local.example", "localhost.example.org", "lan.org", "mylocal.io"]
)
def test_a_reserved_word_at_the_front_reserves_nothing(name: str) -> None:
    assert not is_local_name(name) and not is_this_machine_by_name(name)
