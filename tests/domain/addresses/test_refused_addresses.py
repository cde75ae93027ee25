"""What is kept of refused addresses is bounded, and no rule hides another."""

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain.addresses.refused_addresses import LONGEST_RULE, MOST, RefusedAddresses


def test_a_rule_that_refuses_millions_does_not_hide_the_others() -> None:
    found = RefusedAddresses()
    found.add("prefix https://h.org/", (f"https://x.org/{n}" for n in range(5 * MOST)))
    found.add("exclude old", ["https://h.org/old"])
    found.add("max_pages 5", ["https://h.org/z"], more=10**6)
    assert found.counts == {"prefix https://h.org/": 5 * MOST, "exclude old": 1,
                            "max_pages 5": 10**6 + 1}  # fmt: skip
    kept = found.addresses()
    assert len(kept) == MOST
    assert kept["https://h.org/old"] == "exclude old"
    assert kept["https://h.org/z"] == "max_pages 5"
    assert found.example("prefix https://h.org/") == "https://x.org/0"
    assert found.example("never") == ""


@given(st.lists(st.tuples(st.text(max_size=400), st.lists(st.text(max_size=3), max_size=5))))
def test_every_address_is_counted_and_kept_rules_are_short(
    added: list[tuple[str, list[str]]],
) -> None:
    found = RefusedAddresses()
    for rule, urls in added:
        found.add(rule, urls)
    assert sum(found.counts.values()) == sum(len(urls) for _, urls in added)
    assert all(len(rule) <= LONGEST_RULE for rule in found.counts)
    assert set(found.addresses()) == {url for _, urls in added for url in urls}
    assert set(found.addresses().values()) <= set(found.counts)
