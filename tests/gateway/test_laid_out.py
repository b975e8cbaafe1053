"""Long frames are mapped from a file, and are the same frames."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from property_examples import examples

from gateway import laid_out
from gateway.laid_out import laid_out as as_one

SCHEMA = {"text": pl.String, "minor": pl.Int64, "on": pl.Date, "booked": pl.Boolean}
ROWS = st.tuples(
    st.none() | st.text(max_size=30), st.none() | st.integers(0, 10**15), st.none() | st.dates(dt.date(2000, 1, 1)),
    st.none() | st.booleans(),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(30))
@given(st.lists(st.lists(ROWS, max_size=7), max_size=6))
def test_it_is_the_same_frame(monkeypatch, parts) -> None:
    monkeypatch.setattr(laid_out, "MAPPED_ROWS", 5)
    frames = [pl.DataFrame(rows, schema=SCHEMA, orient="row") for rows in parts]
    assert_frame_equal(as_one(iter(frames), SCHEMA), pl.concat([pl.DataFrame(schema=SCHEMA), *frames]))


def test_what_cannot_be_read_stops_it(monkeypatch) -> None:
    monkeypatch.setattr(laid_out, "MAPPED_ROWS", 5)

    def frames() -> Iterator[pl.DataFrame]:
        yield from [pl.DataFrame({"minor": range(6)})] * 3
        raise ValueError("the object is another one")

    with pytest.raises(ValueError, match="another one"):
        as_one(frames(), {"minor": pl.Int64})
