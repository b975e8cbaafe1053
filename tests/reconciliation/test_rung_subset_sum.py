"""Rung subset_sum: the only set of payments that adds up to the entry."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from rung_world import golden

from reconciliation.rungs.subset_sum import only_subset


def test_golden_and_what_it_must_not_match():
    golden("subset_sum")


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=7), st.integers(1, 40), st.one_of(st.none(), st.integers(1, 5))
)
def test_the_only_subset_is_the_only_one(amounts, target, count):
    sizes = [count] if count else range(1, len(amounts) + 1)
    every = [
        c for size in sizes for c in combinations(range(len(amounts)), size) if sum(amounts[i] for i in c) == target
    ]
    wanted = every[0] if len(every) == 1 and len(every[0]) > 1 else ()
    assert only_subset(amounts, target, count) == wanted
