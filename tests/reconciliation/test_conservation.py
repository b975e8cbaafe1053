from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from reconciliation_world import book, claimed, payment, states

from canonical.errors import NotTied
from canonical.limits import AMOUNT_MINOR_MAX
from reconciliation.conservation import at_fault, by_file, require_tied, tie_out, tie_out_files
from reconciliation.frames import COUNTS, NOT_SENT, STATE_NAMES
from reconciliation.moves import MOVES

SCOPES = [["file_id"], ["provider"], ["provider", "account", "execution_date"], ["submitted_on"], []]


def counts(*rows: tuple[str, int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=list(COUNTS.columns), orient="row")


def parsed_of(frame: pl.DataFrame) -> pl.DataFrame:
    keys = ["file_id", "client", "currency", "credit_debit"]
    return frame.group_by(keys).agg(payments=pl.len().cast(pl.Int64), amount_minor=pl.sum("amount_minor"))


def in_state(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    return states(frame).with_columns(state=pl.Series(names, dtype=pl.String))


@st.composite
def periods(draw):
    """States now, and states at an opening from which every move is allowed."""
    size = draw(st.integers(1, 12))
    amount = st.one_of(st.none(), st.integers(0, AMOUNT_MINOR_MAX))
    rows = [
        payment(
            n, file_id=draw(st.sampled_from(["f1", "f2"])), amount_minor=draw(amount),
            currency=draw(st.sampled_from(["EUR", "JPY", None])), credit_debit=draw(st.sampled_from(["CRDT", "DBIT"])),
            provider=draw(st.sampled_from(["bank", None])),
        )
        for n in range(1, size + 1)
    ]  # fmt: skip
    now = [draw(st.sampled_from(STATE_NAMES)) for _ in rows]
    came_from = {name: [name, *(old for old, targets in MOVES.items() if name in targets)] for name in STATE_NAMES}
    was = [draw(st.sampled_from(came_from[name])) for name in now]
    known = draw(st.integers(0, size))
    frame = book(*rows)
    return in_state(frame, now), in_state(frame, was).head(known)


@settings(max_examples=examples(25))
@given(periods())
def test_random_periods_tie_in_every_scope(period):
    now, opening = period
    for scope in SCOPES:
        frame = tie_out(now, scope, opening=opening)
        assert frame["tied"].all(), frame.filter(~pl.col("tied"))
        count = frame.filter(pl.col("measure") == "count")
        assert count["parsed"].sum() == now.height
        assert count["submitted"].sum() == now.filter(~pl.col("state").is_in(NOT_SENT)).height
        total = frame.filter(pl.col("measure") == "sum")
        assert total["parsed"].sum() == now["amount_minor"].sum()
    require_tied(now, ["file_id"], opening=opening, parsed=parsed_of(now))


@settings(max_examples=examples(25))
@given(periods(), st.data())
def test_a_dropped_or_duplicated_row_is_named(period, data):
    now, opening = period
    row = data.draw(st.integers(0, now.height - 1))
    payment_id = now["payment_id"][row]
    manifest = parsed_of(now)
    files = counts(*((name, n, n, 0) for name, n in now.group_by("file_id").len().iter_rows()))
    dropped = now.filter(pl.int_range(pl.len()) != row)
    with pytest.raises(NotTied) as fault:
        require_tied(dropped, ["file_id"], opening=opening, parsed=manifest)
    if payment_id in opening.filter(pl.col("state") != "waiting")["payment_id"]:
        assert payment_id in fault.value.rows
    with pytest.raises(NotTied):
        require_tied(dropped, ["provider"], opening=opening, counts=files)
    doubled = pl.concat([now, now.slice(row, 1)])
    with pytest.raises(NotTied) as fault:
        require_tied(doubled, ["provider"], opening=opening)
    assert payment_id in fault.value.rows


def test_golden_terms():
    opening = in_state(
        book(*(payment(n) for n in range(1, 6))),
        ["outstanding", "submitted_unknown", "settled", "waiting", "provider_rejected"],
    )
    now = in_state(
        book(*(payment(n) for n in range(1, 9))),
        ["settled", "provider_rejected", "returned", "outstanding", "settled", "rejected", "cancelled", "outstanding"],
    )
    row = tie_out(now, ["file_id"], opening=opening).filter(pl.col("measure") == "sum").row(0, named=True)
    assert row == {
        "file_id": "file", "currency": "EUR", "credit_debit": "CRDT", "measure": "sum",
        "parsed": 3600, "rejected": 600, "cancelled": 700, "waiting": 0, "submitted": 2300, "intake_difference": 0,
        "opening": 300, "newly_submitted": 1200, "reinstated": 500, "undone": 0, "newly_settled": 600, "newly_refused": 200,
        "closing": 1200, "outstanding_difference": 0,
        "settled_before": 300, "represented": 0, "settled_still": 600, "newly_returned": 300, "unsettled": 0,
        "settled_difference": 0,
        "repeated": 0, "forbidden": 0, "tied": True,
    }  # fmt: skip


def test_an_amount_nobody_can_read_counts_and_has_no_sum():
    now = states(book(payment(1, amount_minor=None, currency=None, verdict="RJCT", delivery_state=None), payment(2)))
    by = {row["measure"]: row for row in tie_out(now, ["file_id"]).filter(pl.col("currency").is_null()).to_dicts()}
    assert (by["count"]["rejected"], by["sum"]["rejected"]) == (1, 0)


@pytest.mark.parametrize(
    ("was", "now"),
    [("settled", "outstanding"), ("returned", "settled"), ("rejected", "outstanding"), ("outstanding", "waiting")],
)
def test_a_move_that_is_not_allowed_does_not_tie_and_names_its_row(was, now):
    frame = book(payment(1), payment(2))
    with pytest.raises(NotTied, match=f"moved from {was} to {now}") as fault:
        require_tied(in_state(frame, [now, "settled"]), ["file_id"], opening=in_state(frame, [was, "settled"]))
    assert fault.value.rows[0] == "file-0001"


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("settled", "outstanding"),
        ("settled", "provider_rejected"),
        ("returned", "settled"),
        ("returned", "outstanding"),
    ],
)
def test_what_was_reopened_may_move_back_and_still_ties(was, now):
    frame = book(payment(1), payment(2))
    reopened = in_state(frame, [now, "settled"]).with_columns(reopened=pl.lit(value=True))
    require_tied(reopened, ["file_id"], opening=in_state(frame, [was, "settled"]))


def test_a_payment_in_no_state_or_of_another_amount_is_named():
    frame = book(payment(1), payment(2))
    lost = in_state(frame, ["somewhere", None])
    with pytest.raises(NotTied) as fault:
        require_tied(lost, ["file_id"])
    assert fault.value.rows[:2] == ("file-0001", "file-0002")
    opening = states(frame)
    assert at_fault(states(book(payment(1, amount_minor=99), payment(2))), opening).rows() == [
        ("file-0001", "has another amount than at the opening")
    ]


def test_files_read_parsed_unreadable():
    now = states(book(payment(1), payment(2, file_id="other")))
    assert tie_out_files(by_file(now), counts(("file", 3, 1, 2), ("other", 1, 1, 0)))["tied"].all()
    loose = tie_out_files(by_file(now), counts(("file", 3, 1, 1), ("other", 2, 2, 0), ("third", 1, 1, 0)))
    assert loose["tied"].to_list() == [False, False, False]
    with pytest.raises(NotTied, match="file_id=third"):
        require_tied(now, ["file_id"], counts=counts(("file", 1, 1, 0), ("other", 1, 1, 0), ("third", 1, 1, 0)))


def test_manifest_counts_only_by_file_and_client():
    now = states(book(payment(1)))
    with pytest.raises(ValueError, match="by file and client"):
        tie_out(now, ["provider"], parsed=parsed_of(now))


def test_settlement_and_return_within_one_period():
    frame = book(payment(1))
    matches = claimed(("N1", "file-0001", "settlement", 100), ("N2", "file-0001", "return", 100))
    row = require_tied(states(frame, matches=matches), ["provider"], opening=states(frame))
    assert row.filter(pl.col("measure") == "count").select("opening", "newly_settled", "newly_returned", "closing").row(
        0
    ) == (1, 1, 1, 0)


def test_a_waiting_payment_may_be_routed_to_another_provider_a_sent_one_may_not_leave():
    opening = in_state(book(payment(1), payment(2)), ["waiting", "outstanding"])
    require_tied(opening.tail(1), ["provider"], opening=opening)
    with pytest.raises(NotTied, match="is gone") as fault:
        require_tied(opening.head(1), ["provider"], opening=opening)
    assert fault.value.rows[0] == "file-0002"


def test_what_does_not_tie_is_told_as_finance_reads_it():
    """The manifest counted one payment of 2.00 EUR more than there is a state for."""
    now = states(book(payment(1)))
    declared = pl.DataFrame(
        [("file", "acme", "EUR", "CRDT", 2, 300)],
        schema=["file_id", "client", "currency", "credit_debit", "payments", "amount_minor"], orient="row",
    )  # fmt: skip
    with pytest.raises(NotTied) as fault:
        require_tied(now, ["file_id", "client"], parsed=declared)
    assert fault.value.rows == (
        (
            "file_id=file, client=acme, currency=EUR, credit_debit=CRDT: taken in: 2 payments; "
            "rejected, cancelled, waiting or submitted: 1 payment; not accounted for: 1 payment"
        ),
        (
            "file_id=file, client=acme, currency=EUR, credit_debit=CRDT: taken in: 3.00 EUR; "
            "rejected, cancelled, waiting or submitted: 1.00 EUR; not accounted for: 2.00 EUR"
        ),
    )
