"""What was planned, handed on, written and read back is the same, and the same bytes leave: or nothing is sent."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from test_cancel import salaries, sent

from canonical.contracts import ExportSummary
from canonical.errors import FrameBroken
from canonical.plugins import lookup
from gateway.composition import Gateway
from gateway.delivery import dispatch as dispatching
from gateway.delivery.dispatch import dispatch, due
from gateway.delivery.submissions import submission_row
from gateway.registry import tables as t
from gateway.registry.engine import move


@pytest.fixture
def planned(gateway: Gateway) -> str:
    salaries(gateway)
    (row,) = due(gateway)
    return str(row["submission_id"])


def changed(summary: ExportSummary, what: str) -> ExportSummary:
    """The summary with a payment more, a minor unit more, or another payment in the place of one."""
    more = {"payments": {"payments": summary.payments + 1}, "digest": {"digest": summary.digest + 1}}
    return replace(
        summary, **more.get(what, {"sums_minor": {key: minor + 1 for key, minor in summary.sums_minor.items()}})
    )


@pytest.mark.parametrize(
    ("step", "what"), [("write", "digest"), ("reread", "payments"), ("reread", "sums"), ("reread", "digest")]
)
def test_what_is_written_or_read_back_otherwise_is_not_sent(
    gateway, planned, tmp_path, monkeypatch, step, what
) -> None:
    export = type(lookup("exporters", "EXPORT", "pain.001"))
    whole = getattr(export, step)
    monkeypatch.setattr(export, step, lambda *given: changed(whole(*given), what))
    with pytest.raises(FrameBroken, match="differs from its plan"):
        dispatch(gateway, planned)
    assert sent(tmp_path) == []
    assert submission_row(gateway, planned)["state"] == "PREPARED"


@pytest.mark.parametrize("column", ["payments", "sum_minor"])
def test_what_was_planned_otherwise_is_not_sent(gateway, planned, tmp_path, column) -> None:
    there = submission_row(gateway, planned)[column]
    with gateway.registry.transaction() as connection:
        move(connection, t.SUBMISSIONS, {"submission_id": planned}, **{column: there + 1})
    with pytest.raises(FrameBroken, match="differs from its plan"):
        dispatch(gateway, planned)
    assert sent(tmp_path) == []


def test_a_plan_that_names_other_payments_in_these_rows_is_not_sent(gateway, planned, tmp_path, monkeypatch) -> None:
    whole = dispatching.routes_of
    monkeypatch.setattr(
        dispatching, "routes_of", lambda *given: whole(*given).with_columns(pl.col("payment_id").reverse())
    )
    with pytest.raises(FrameBroken, match="routes and payments"):
        dispatch(gateway, planned)
    assert sent(tmp_path) == []


def test_other_bytes_in_the_store_are_not_sent(gateway, planned, tmp_path) -> None:
    row = dispatching._write(gateway, submission_row(gateway, planned))
    gateway.store.put(row["key"], gateway.store.get(row["key"]).replace(b"2150.00", b"9150.00"))
    with pytest.raises(FrameBroken, match="not the one that was written"):
        dispatch(gateway, planned)
    assert sent(tmp_path) == []


def test_of_two_that_write_the_first_ones_bytes_count(gateway, planned, monkeypatch) -> None:
    before = submission_row(gateway, planned)
    first = dispatching._write(gateway, before)
    other = {"key": "submissions/other", "sha256": "0" * 64, "size_bytes": 1}
    monkeypatch.setattr(dispatching, "written_file", lambda *_: other)
    assert dispatching._write(gateway, before) == first
