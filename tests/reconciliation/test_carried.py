"""What closes write of their payments, put together again, is what each was closed on, row for row."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from reconciliation_world import book, claimed, payment, states

from canonical.frames import POSTINGS, dtypes
from reconciliation.carried import changed, gone, standing, touched
from reconciliation.frames import GONE, STATES

DELIVERED = st.sampled_from([None, "PREPARED", "DELIVERED", "ACKNOWLEDGED", "REJECTED"])
DAYS = st.lists(st.dictionaries(st.integers(1, 5), DELIVERED, max_size=5), min_size=1, max_size=5)


def on(day: dict[int, str | None]) -> pl.DataFrame:
    return states(book(*(payment(row, delivery_state=delivery) for row, delivery in sorted(day.items()))))


@given(DAYS)
def test_the_last_rows_over_all_closes_are_the_states_of_the_last(days: list[dict[int, str | None]]) -> None:
    closes, before = [(on(days[0]), pl.DataFrame(schema={"payment_id": pl.String}))], on(days[0])
    for day in days[1:]:
        now = on(day)
        closes.append((changed(now, before), gone(now, before)))
        before = now
        assert standing(closes).sort("row").equals(now)


def test_only_what_differs_is_written_whatever_column_it_is() -> None:
    before = on({1: "DELIVERED", 2: "DELIVERED", 3: None})
    for name, dtype in before.schema.items():
        if name != "payment_id":
            other = pl.lit(None, dtype=dtype) if before[name][1] is not None else pl.lit(1).cast(dtype)
            now = before.with_columns(pl.when(pl.col("row") == 2).then(other).otherwise(name).alias(name))
            assert changed(now, before)["payment_id"].to_list() == [before["payment_id"][1]], name
    assert changed(before, before).is_empty()
    assert gone(before.head(2), before).equals(before.tail(1).select(GONE.columns.keys()))


def test_a_payment_that_left_may_come_back() -> None:
    here, away = on({1: "PREPARED"}), on({})
    none = gone(here, here)
    left = [(here, none), (changed(away, here), gone(away, here))]
    assert standing(left).columns == list(STATES.columns)
    assert standing(left).is_empty()
    assert standing([*left, (changed(here, standing(left)), none)]).equals(here)


def test_touched_is_what_stands_otherwise_or_was_posted_on_since() -> None:
    now = on({1: "DELIVERED", 2: "DELIVERED", 3: "DELIVERED", 4: None})
    part = {
        "posting_id": "settled:x",
        "event": "settled",
        "subject": "file-0003/N0001",
        "amount_minor": 1,
        "currency": "EUR",
    }
    since = pl.DataFrame([part], schema=dtypes(POSTINGS))
    assert touched(now, now.head(1), since)["row"].to_list() == [1, 3]
    assert touched(now, now.clear(), since.clear()).is_empty()


def test_who_is_claimed_otherwise_stands_otherwise() -> None:
    frame = book(payment(1), payment(2))
    one, two = ("N0001", "file-0001", "settlement", 40), ("N0002", "file-0001", "settlement", 60)
    before = states(frame, matches=claimed(one, two))
    assert changed(states(frame, matches=claimed(two, one)), before).is_empty(), "the order of claims says nothing"
    assert before["claims_digest"].is_null().to_list() == [False, True]
    other = claimed(one, ("N0003", "file-0001", "settlement", 60))
    assert changed(states(frame, matches=other), before)["row"].to_list() == [1]
    named = claimed(one, two).with_columns(difference_account=pl.lit("fees"))
    assert changed(states(frame, matches=named), before)["row"].to_list() == [1]
