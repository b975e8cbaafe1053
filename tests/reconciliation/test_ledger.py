from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from reconciliation_world import (
    ACCOUNT,
    DAY,
    book,
    claimed,
    entries,
    entry,
    payment,
    state_of,
    statement,
    statements,
    states,
    status,
    statuses,
)  # fmt: skip

from canonical.frames import MATCHES, POSTINGS, empty
from reconciliation.balances import book_to_bank, entries_posted, moved, trial_balance
from reconciliation.ladder import match
from reconciliation.ledger import postings
from reconciliation.states import attribute

PROVIDERS = {ACCOUNT: "bank"}
NONE = empty(POSTINGS)


def post(frame, bank, matches, earlier=NONE):
    return postings(frame, bank, matches, earlier, PROVIDERS, DAY)


def sides(posted: pl.DataFrame) -> dict[str, tuple[str, str, int]]:
    return {
        row[0]: row[1:] for row in posted.select("posting_id", "debit_account", "credit_account", "amount_minor").rows()
    }


def test_golden_life_of_a_credit_transfer_and_a_collection():
    frame = book(payment(1), payment(2, credit_debit="DBIT"))
    matches = claimed(("N0001", "file-0001", "settlement", 100), ("N0002", "file-0001", "return", 100))
    bank = entries(entry(1), entry(2, amount_minor=100, credit_debit="CRDT", return_reason="AC04"))
    clearing, funding, payable, ours = (
        "provider:bank:clearing",
        "client:acme:funding",
        "client:acme:payable",
        f"bank:{ACCOUNT}",
    )
    assert sides(post(states(frame, matches=matches), bank, matches)) == {
        "accepted:file-0001": (funding, payable, 100),
        "accepted:file-0002": (payable, funding, 200),
        "returned:N0002": (ours, clearing, 100),
        "returned:file-0001": (clearing, "returns", 100),
        "settled:file-0001": (clearing, ours, 100),
        "submitted:file-0001": (payable, clearing, 100),
        "submitted:file-0002": (clearing, payable, 200),
    }


def test_fees_and_strangers_both_ways():
    bank = entries(
        entry(1, sub_family="CHRG"), entry(2, proprietary="NCOM", credit_debit="CRDT"), entry(3),
        entry(4, credit_debit="CRDT"), entry(5, booked=False),
    )  # fmt: skip
    ours = f"bank:{ACCOUNT}"
    assert sides(post(states(book()), bank, empty(MATCHES))) == {
        "fee:N0001": ("fees:bank", ours, 100),
        "fee:N0002": (ours, "fees:bank", 200),
        "unknown:N0003": ("suspense", ours, 300),
        "unknown:N0004": (ours, "suspense", 400),
    }


def test_a_repeat_posts_nothing_and_what_no_longer_holds_is_reversed_once():
    frame, bank = book(payment(1)), entries(entry(1))
    first = post(states(frame), bank, empty(MATCHES))
    assert post(states(frame), bank, empty(MATCHES), first).is_empty()
    matches = claimed(("N0001", "file-0001", "settlement", 100))
    second = post(states(frame, matches=matches), bank, matches, first)
    assert sides(second) == {
        "reversal:unknown:N0001": (f"bank:{ACCOUNT}", "suspense", 100),
        "settled:file-0001": ("provider:bank:clearing", f"bank:{ACCOUNT}", 100),
    }
    assert post(states(frame, matches=matches), bank, matches, pl.concat([first, second])).is_empty()


def test_rejected_then_booked_all_the_same():
    frame, bank = book(payment(1)), entries(entry(1, instruction_id="REF-1"))
    told = attribute(statuses(status(1, original_instruction_id="REF-1", status="RJCT")), frame).attributed
    first = post(states(frame, told), entries(), empty(MATCHES))
    assert "rejected:file-0001" in first["posting_id"]
    found = match(states(frame, told), bank, empty(MATCHES)).matches
    now = states(frame, told, found)
    assert state_of(now) == {1: "settled"}
    second = post(now, bank, found, first)
    assert second["posting_id"].to_list() == ["reversal:rejected:file-0001", "settled:file-0001"]


def test_what_is_called_for_again_is_posted_again():
    """Refused, then told as completed, then returned: the refusal is posted, reversed, and posted once more."""
    frame, said = book(payment(1)), [("status", "RJCT"), ("status", "ACSC"), ("return", "RJCT")]
    words, earlier = [], NONE
    for position, (kind, code) in enumerate(said, 1):
        words.append(status(position, kind=kind, original_instruction_id="REF-1", status=code))
        now = states(frame, attribute(statuses(*words), frame).attributed)
        earlier = pl.concat([earlier, post(now, entries(), empty(MATCHES), earlier)])
        assert post(now, entries(), empty(MATCHES), earlier).is_empty()
    assert earlier["posting_id"].to_list()[2:] == [
        "submitted:file-0001", "reversal:rejected:file-0001", "rejected:file-0001#2",
    ]  # fmt: skip


def test_what_is_not_given_is_not_reversed():
    first = post(states(book(payment(1), payment(2))), entries(), empty(MATCHES))
    assert post(states(book(payment(2))), entries(), empty(MATCHES), first).is_empty()


def test_trial_balance_opens_with_what_closed_and_sums_to_zero():
    frame = book(payment(1), payment(2, currency="USD"))
    first = post(states(frame), entries(), empty(MATCHES))
    matches = claimed(("N0001", "file-0001", "settlement", 100))
    second = post(states(frame, matches=matches), entries(entry(1)), matches, first)
    closed, now = trial_balance(moved(NONE), moved(first)), trial_balance(moved(first), moved(second))
    both = now.join(closed, on=["account", "currency"], how="left", suffix="_before").fill_null(0)
    assert (both["opening"] == both["closing_before"]).all()
    assert now.group_by("currency").agg(pl.sum("closing"))["closing"].to_list() == [0, 0]
    row = now.filter((pl.col("account") == "provider:bank:clearing") & (pl.col("currency") == "EUR")).row(0)
    assert row == ("provider:bank:clearing", "EUR", -100, 100, 0, 0)


def test_book_equals_bank_and_a_missing_posting_is_itemised():
    frame = book(payment(1), payment(2))
    bank = entries(
        entry(1, instruction_id="REF-1"), entry(2, instruction_id="REF-2"), entry(3, sub_family="CHRG", amount_minor=5),
        entry(4, credit_debit="CRDT"),
    )  # fmt: skip
    found = match(states(frame), bank, empty(MATCHES)).matches
    posted = post(states(frame, matches=found), bank, found)
    lines = statements(statement(1, 1000, 1095))
    balances, items = book_to_bank(lines, entries_posted(bank, found, posted))
    assert items.is_empty()
    assert balances.select("opening", "settled", "returned", "fees", "suspense", "closing", "bank", "difference").row(0) == (
        1000, -300, 0, -5, 400, 1095, 1095, 0,
    )  # fmt: skip
    balances, items = book_to_bank(
        lines, entries_posted(bank, found, posted.filter(pl.col("posting_id") != "settled:file-0002"))
    )
    assert balances.select("difference", "explained").row(0) == (-200, -200)
    assert items.select("entry_id", "difference").rows() == [("N0002", -200)]


def test_a_statement_that_does_not_add_up_is_not_explained():
    bank = entries(entry(1))
    posted = post(states(book()), bank, empty(MATCHES))
    balances, _ = book_to_bank(statements(statement(1, 1000, 950)), entries_posted(bank, empty(MATCHES), posted))
    assert balances.select("difference", "explained").row(0) == (50, 0)


@settings(max_examples=examples(20))
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 10**12)), max_size=10))
def test_every_booked_entry_is_on_the_bank_account_to_the_cent(lines):
    bank = entries(
        *(
            entry(n, amount_minor=amount, credit_debit="CRDT" if credit else "DBIT", sub_family="CHRG" if fee else None)
            for n, (credit, fee, amount) in enumerate(lines, 1)
        )
    )
    posted = post(states(book()), bank, empty(MATCHES))
    moved = sum(amount if credit else -amount for credit, _, amount in lines)
    balances, items = book_to_bank(statements(statement(1, 0, moved)), entries_posted(bank, empty(MATCHES), posted))
    assert items.is_empty()
    assert balances["difference"].to_list() == [0]


@pytest.mark.parametrize(
    ("column", "value"),
    [("debit_account", "suspense"), ("credit_account", "suspense"), ("amount_minor", 99), ("currency", "CHF")],
)
def test_a_posting_that_stands_otherwise_is_reversed_and_made_anew(column: str, value: object) -> None:
    outstanding = states(book(payment(1)))
    wanted = post(outstanding, entries(), claimed())
    posting_id = wanted["posting_id"][0]
    other = pl.when(pl.col("posting_id") == posting_id).then(pl.lit(value, wanted.schema[column])).otherwise(column)
    stood = wanted.with_columns(other.alias(column))
    found = post(outstanding, entries(), claimed(), stood)
    again, taken = found.filter(posting_id=f"{posting_id}#2"), found.filter(posting_id=f"reversal:{posting_id}")
    assert (again.height, taken.height, found.height) == (1, 1, 2)
    assert again.drop("posting_id").equals(wanted.head(1).drop("posting_id"))
    turned = stood.head(1).select("credit_account", "debit_account", "amount_minor", "currency")
    assert taken.select("debit_account", "credit_account", "amount_minor", "currency").rows() == turned.rows()
    assert post(outstanding, entries(), claimed(), wanted).is_empty()
