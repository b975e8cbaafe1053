"""Key runs of many files are merged into few, and a payment is found again in any of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_client_limits import OPEN, payments, state
from test_journey import receive_one
from world import agree

from canonical.limits import KEY_RUNS_MAX
from gateway.composition import Gateway
from gateway.intake.duplicates import _confirmed, _hits, _runs, merge_runs
from gateway.stages import run_journey


@pytest.mark.parametrize("again", [1, KEY_RUNS_MAX, KEY_RUNS_MAX + 2])
def test_a_payment_is_found_in_a_merged_run_and_in_a_single_one(gateway: Gateway, again: int) -> None:
    agree(gateway, "cedar", complete="renamed", duplicate_payment="reject", **OPEN)
    count = KEY_RUNS_MAX + 3
    for n in range(1, count):
        run_journey(gateway, receive_one(gateway, "cedar", f"{n}.csv", payments((f"E{n}", "1.00"), (f"F{n}", "2.00"))))
    runs = _runs(gateway, "cedar", count - 1)
    assert [(run.low, run.high) for run in runs] == [
        (1, KEY_RUNS_MAX),
        *((n, n) for n in range(KEY_RUNS_MAX + 1, count)),
    ]
    assert runs[0].manifest.rows == 2 * KEY_RUNS_MAX
    file_id = receive_one(gateway, "cedar", "again.csv", payments((f"F{again}", "2.00"), ("new", "3.00")))
    run_journey(gateway, file_id)
    assert gateway.lake.whole(file_id, "verdicts")["status"].to_list() == ["RJCT", "ACCP"]
    merge_runs(gateway, "cedar")
    assert [(run.low, run.high) for run in _runs(gateway, "cedar", count - 1)] == [(run.low, run.high) for run in runs]


def test_a_hit_of_the_keys_counts_where_the_whole_fingerprints_agree(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", **OPEN)
    first, second = (
        receive_one(gateway, "cedar", f"{n}.csv", payments(*rows))
        for n, rows in enumerate(((("A", "1.00"), ("B", "1.00")), (("A", "1.00"), ("C", "1.00"))))
    )
    for file_id in (first, second):
        run_journey(gateway, file_id)
    a, b = gateway.lake.whole(first, "payments").sort("row")["payment_id"]
    again = gateway.lake.whole(second, "payments").sort("row")["payment_id"][0]
    day = dt.date(2026, 11, 20)
    hits = pl.DataFrame({"payment_id": [again, again], "earlier_payment_id": [a, b], "earlier_day": [day, day]})
    assert _confirmed(gateway, hits, "cedar").equals(hits.head(1))


def test_a_rejected_file_is_no_original(gateway: Gateway) -> None:
    agree(gateway, "cedar", complete="renamed", duplicate_payment="reject", limits={"day": {"EUR": 50}}, **OPEN)
    first = receive_one(gateway, "cedar", "1.csv", payments(("A", "1.00")))
    run_journey(gateway, first)
    assert state(gateway, first) == "rejected"
    agree(gateway, "cedar", limits={})
    second = receive_one(gateway, "cedar", "2.csv", payments(("A", "1.00"), ("B", "1.00")))
    run_journey(gateway, second)
    assert gateway.lake.whole(second, "verdicts")["status"].to_list() == ["ACCP", "ACCP"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=30),
)
def test_hits_are_those_of_a_plain_join(ours: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> None:
    """Keys that collide, keys that repeat, keys at both ends: the search finds what comparing all pairs finds."""
    ours, theirs = sorted(ours), sorted(theirs)
    needles = np.array([key for key, _ in ours], dtype=np.uint64)
    checks = np.array([check for _, check in ours], dtype=np.uint64)
    piece = {
        "key": np.array([key for key, _ in theirs], dtype=np.uint64),
        "check": np.array([check for _, check in theirs], dtype=np.uint64),
        "offset": np.arange(len(theirs), dtype=np.int64),
        "sequence": np.ones(len(theirs), dtype=np.int64),
    }
    found = _hits(needles, checks, np.arange(len(ours), dtype=np.int64), piece)
    wanted = [(a, b) for a, mine in enumerate(ours) for b, other in enumerate(theirs) if mine == other]
    assert sorted(found.select("offset", "earlier").rows()) == sorted(wanted)
    assert found.schema["offset"] == pl.Int64
