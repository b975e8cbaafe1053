"""Identifiers: the same for the same thing, different for different things, short enough for the banks."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from canonical.identifiers import ids_of, make_file_id, make_id, payment_id_of
from canonical.limits import FILE_BYTES_MAX, IDENTIFICATION_CHARS_MAX

TEXT = st.text(max_size=20)


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4))
def test_parts_do_not_run_into_each_other(left: list[str], right: list[str]) -> None:
    assert (make_id("X", *left) == make_id("X", *right)) == (left == right)


@given(TEXT, TEXT)
def test_clients_do_not_share_files(one: str, other: str) -> None:
    assert (make_file_id(one, "0" * 64) == make_file_id(other, "0" * 64)) == (one == other)


@given(st.integers(min_value=0, max_value=FILE_BYTES_MAX))
def test_payment_ids_fit_the_banks_and_agree_in_columns(offset: int) -> None:
    file_id = make_file_id("alder", "0" * 64)
    payment_id = f"{file_id}-{offset:012d}"
    assert len(payment_id) <= IDENTIFICATION_CHARS_MAX
    assert pl.select(payment_id_of(pl.lit(file_id), pl.lit(offset))).item() == payment_id


@given(
    st.lists(st.tuples(TEXT, st.text(max_size=160), st.integers(min_value=0, max_value=2**63)), min_size=1, max_size=5)
)
def test_ids_of_columns_are_those_of_their_parts(rows: list[tuple[str, str, int]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String, "n": pl.UInt64}, orient="row")
    found = frame.select(ids_of("E", pl.col("a"), pl.col("b"), pl.col("n"))).to_series().to_list()
    for told, (first, second, number) in zip(found, rows, strict=True):
        short = max(len(first.encode()), len(second.encode())) < 128
        assert told == (make_id("E", first, second, str(number)) if short else None)


def test_ids_do_not_change_between_versions() -> None:
    assert make_file_id("alder", "0" * 64) == "3c65ae7aa85f5a885005"
