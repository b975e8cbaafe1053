"""Long frames by ranges of ids: every row in one of them, whatever order the rows stand in."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples

from gateway.books import by_payment
from gateway.books.by_payment import ByPayment, around, ranges

IDS = st.lists(st.text("abc-0", min_size=1, max_size=4), max_size=20)


@given(ids=IDS, others=IDS)
@settings(max_examples=examples(50), deadline=None)
def test_ranges_hold_every_row_once(ids: list[str], others: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_payment, "MAPPED_ROWS", 3)
        first, second = (pl.DataFrame({"payment_id": rows}, schema={"payment_id": pl.String}) for rows in (ids, others))
        spans = list(ranges([first.sort("payment_id"), second]))
        assert (spans[0][0], spans[-1][1]) == ("", None)
        for frame in (first, second, first.sort("payment_id")):
            asked = ByPayment.of(frame)
            found = [asked.between(span)["payment_id"].to_list() for span in spans]
            assert sorted(name for part in found for name in part) == sorted(frame["payment_id"])
            for (start, after), part in zip(spans, found, strict=True):
                assert all(start <= name and (after is None or name < after) for name in part)


def test_the_range_around_ids_holds_what_is_named_by_them() -> None:
    rows = pl.DataFrame({"subject": ["p1", "p2", "p2/e9", "p3"]})
    asked = ByPayment.of(rows, "subject")
    assert asked.between(around(pl.Series(["p1", "p2"])))["subject"].to_list() == ["p1", "p2", "p2/e9"]
    assert asked.between(around(pl.Series([], dtype=pl.String))).is_empty()
