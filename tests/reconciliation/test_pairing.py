"""Keys looked up in sorted arrays, against the same by joins of Polars."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from reconciliation._pairing import PAIRS, Marks, Sorted, among, ordered, paired, repeated, twice

hashes = st.lists(
    st.one_of(st.integers(0, 6), st.integers(2**64 - 3, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=40
)
numbers = st.lists(st.integers(0, 12), max_size=40)


def keys(number: str, told: list[tuple[int, int]]) -> pl.DataFrame:
    schema = {number: PAIRS[number], "h": pl.UInt64}
    return pl.DataFrame(told, schema=schema, orient="row").unique(maintain_order=True)


def told() -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(st.integers(0, 9), st.integers(0, 7)), max_size=40)


@given(told(), told())
def test_pairs_are_those_of_a_join_on_the_keys_that_one_payment_has(entries, payments):
    left, right = keys("e", entries), keys("p", payments)
    alone = right.filter(~pl.col("h").is_duplicated())
    expected = left.join(alone, on="h", how="inner").select("e", "p").unique().sort("e", "p")
    found = Sorted.of(right)
    assert_frame_equal(paired(Sorted.of(left), found.only(found.alone)), expected)


@given(told())
def test_keys_that_are_alone_are_those_whose_hash_stands_once(payments):
    right = keys("p", payments)
    found = Sorted.of(right)
    expected = right.filter(~pl.col("h").is_duplicated())
    assert_frame_equal(found.only(found.alone).frame("p"), expected, check_row_order=False)


@given(hashes, hashes)
def test_marks_never_say_no_for_a_hash_that_is_among_them(some, others):
    marks = Marks.of(pl.Series(some, dtype=pl.UInt64))
    asked = pl.Series([*some, None, *others], dtype=pl.UInt64)
    answers = marks.may_hold(asked).to_list()
    assert all(answers[: len(some)])
    assert answers[len(some)] is False
    if not some:
        assert not any(answers)


@given(numbers, numbers)
def test_repeated_and_among_are_as_polars_says(some, others):
    column, asked = (pl.Series(values, dtype=PAIRS["p"]) for values in (some, others))
    assert repeated(column).to_list() == column.is_duplicated().to_list()
    assert among(column, asked).to_list() == column.is_in(asked.implode()).to_list()


@given(hashes)
def test_a_hash_that_stands_twice_is_told(some):
    column = pl.Series(some, dtype=pl.UInt64)
    assert twice(column).to_list() == column.is_duplicated().to_list()


@given(
    st.lists(
        st.one_of(st.text("ab\0é", max_size=12), st.text("E0", max_size=3).map("E000000000".__add__)),
        min_size=1,
        max_size=30,
    )
)
def test_ids_are_in_order_but_for_those_that_look_the_same_which_stand_together(ids):
    column = pl.Series(ids, dtype=pl.String)
    order, alike = ordered(column)
    assert sorted(order.to_list()) == list(range(len(ids)))
    # Sorting those that look the same within their places puts the whole in order.
    places = alike.arg_true()
    chosen = order.gather(places)
    by_text = pl.DataFrame({"id": column.gather(chosen), "place": chosen}).sort("id")["place"]
    assert column.gather(order.scatter(places, by_text)).to_list() == sorted(ids, key=str.encode)
