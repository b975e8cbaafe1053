"""What is posted of claims: the bank account follows the entries, clearing the orders, and what is between them is named."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from reconciliation_world import ACCOUNT, DAY, book, entries, entry, payment, states

from canonical.errors import FrameBroken
from canonical.frames import ADJUSTMENTS, MATCHES, POSTINGS, checked, dtypes, empty
from reconciliation.balances import moved, trial_balance
from reconciliation.events import calling
from reconciliation.ledger import Decided, postings

OURS, CLEARING = f"bank:{ACCOUNT}", "provider:bank:clearing"
NONE = empty(POSTINGS)


def claim(entry_number: int, payment_number: int, ours: int, theirs: int, **given_: Any) -> dict[str, Any]:
    return {
        "entry_id": f"N{entry_number:04d}", "payment_id": f"file-{payment_number:04d}", "rung": "fees", "kind": "settlement",
        "amount_minor": ours, "currency": "EUR", "value_date": DAY, "entry_minor": theirs, "entry_currency": "EUR", **given_,
    }  # fmt: skip


def claims(*rows: dict[str, Any]) -> pl.DataFrame:
    return checked(pl.DataFrame(list(rows), schema=dtypes(MATCHES)), MATCHES)


def closing(
    frame: pl.DataFrame, bank: pl.DataFrame, matches: pl.DataFrame, decided: Decided | None = None
) -> dict[tuple[str, str], int]:
    posted = postings(states(frame, matches=matches), bank, matches, NONE, {ACCOUNT: "bank"}, DAY, decided)
    assert posted["posting_id"].is_unique().all()
    found = trial_balance(moved(NONE), moved(posted)).filter(pl.col("closing") != 0)
    return {row[:2]: row[2] for row in found.select("account", "currency", "closing").iter_rows()}


def test_golden_fees_taken_from_a_collection_and_added_to_a_transfer():
    frame = book(payment(1, credit_debit="DBIT", amount_minor=1000), payment(2, amount_minor=500))
    bank = entries(entry(1, amount_minor=970, credit_debit="CRDT"), entry(2, amount_minor=520))
    matches = claims(
        claim(1, 1, 1000, 970, difference_account="fees"), claim(2, 2, 500, 520, difference_account="rounding")
    )
    assert closing(frame, bank, matches) == {
        (OURS, "EUR"): 450, ("fees:bank", "EUR"): 30, ("rounding", "EUR"): 20, ("client:acme:funding", "EUR"): -500,
    }  # fmt: skip


def test_golden_another_currency_leaves_an_open_position_in_each():
    frame = book(payment(1, currency="USD", amount_minor=1000))
    bank = entries(entry(1, amount_minor=920))
    matches = claims(claim(1, 1, 1000, 920, currency="USD", difference_account="fx"))
    assert closing(frame, bank, matches) == {
        ("client:acme:funding", "USD"): 1000, ("fx:bank", "USD"): -1000, ("fx:bank", "EUR"): 920, (OURS, "EUR"): -920,
    }  # fmt: skip
    back = claims(
        claim(1, 1, 1000, 920, currency="USD", difference_account="fx"),
        claim(2, 1, 1000, 900, currency="USD", difference_account="fx", kind="return"),
    )
    both = entries(entry(1, amount_minor=920), entry(2, amount_minor=900, credit_debit="CRDT"))
    assert closing(frame, both, back) == {
        ("client:acme:funding", "USD"): 1000, ("returns", "USD"): -1000, ("fx:bank", "EUR"): 20, (OURS, "EUR"): -20,
    }  # fmt: skip


def test_a_return_less_charges_a_booking_in_parts_and_what_the_bank_undid_itself():
    frame = book(payment(1, amount_minor=1000), payment(2, amount_minor=600), payment(3, amount_minor=700))
    bank = entries(
        entry(1, amount_minor=1000), entry(2, amount_minor=985, credit_debit="CRDT"), entry(3, amount_minor=400),
        entry(4, amount_minor=200), entry(5, amount_minor=50), entry(6, amount_minor=50, credit_debit="CRDT"),
    )  # fmt: skip
    matches = claims(
        claim(1, 1, 1000, 1000), claim(2, 1, 1000, 985, kind="return", difference_account="fees"),
        claim(3, 2, 400, 400), claim(4, 2, 200, 200),
        claim(5, 3, 50, 50, kind="correction"), claim(6, 3, 50, 50, kind="correction"),
    )  # fmt: skip
    assert closing(frame, bank, matches) == {
        ("client:acme:funding", "EUR"): 2300, ("returns", "EUR"): -1000, ("fees:bank", "EUR"): 15,
        (OURS, "EUR"): -615, (CLEARING, "EUR"): -700,
    }  # fmt: skip


def test_differences_of_one_payment_to_two_accounts_are_our_fault():
    matches = claims(claim(1, 1, 50, 40, difference_account="fees"), claim(2, 1, 50, 49, difference_account="rounding"))
    with pytest.raises(FrameBroken, match="several accounts: file-0001"):
        closing(book(payment(1)), entries(entry(1, amount_minor=40), entry(2, amount_minor=49)), matches)


def test_a_write_off_and_the_one_that_takes_it_back():
    def adjustment(number: int, direction: str) -> dict[str, Any]:
        return {
            "adjustment_id": f"A{number}", "break_id": "K1", "account": "write_offs", "relieved": "suspense",
            "amount_minor": 100, "currency": "EUR", "credit_debit": direction, "day": DAY, "reason": "not worth a letter",
        }  # fmt: skip

    bank = entries(entry(1))
    one = pl.DataFrame([adjustment(1, "DBIT")], schema=dtypes(ADJUSTMENTS))
    assert closing(book(), bank, empty(MATCHES), Decided(one)) == {("write_offs", "EUR"): 100, (OURS, "EUR"): -100}
    both = pl.DataFrame([adjustment(1, "DBIT"), adjustment(2, "CRDT")], schema=dtypes(ADJUSTMENTS))
    assert closing(book(), bank, empty(MATCHES), Decided(both)) == {("suspense", "EUR"): 100, (OURS, "EUR"): -100}


amounts = st.integers(1, 10**9)


@settings(max_examples=examples(25))
@given(
    st.lists(
        st.tuples(st.booleans(), amounts, amounts, st.sampled_from(["open", "same", "fee", "fx", "back"])), max_size=6
    )
)
def test_the_bank_follows_its_entries_and_clearing_what_is_outstanding(given_):
    rows, lines, told = [], [], []
    for n, (credit, ours, theirs, what) in enumerate(given_, 1):
        out, into = ("DBIT", "CRDT") if credit else ("CRDT", "DBIT")
        currency = "USD" if what == "fx" else "EUR"
        rows.append(payment(n, credit_debit="CRDT" if credit else "DBIT", amount_minor=ours, currency=currency))
        if what == "open":
            continue
        moved = ours if what == "same" else theirs
        named = {"fee": "fees", "fx": "fx", "back": "rounding"}.get(what)
        lines.append(entry(n, amount_minor=moved, credit_debit=out))
        told.append(claim(n, n, ours, moved, currency=currency, difference_account=named))
        if what == "back":
            lines.append(entry(100 + n, amount_minor=theirs, credit_debit=into))
            told.append(claim(100 + n, n, ours, theirs, kind="return", difference_account=named))
    found = closing(book(*rows), entries(*lines), claims(*told))
    signed = sum(line["amount_minor"] if line["credit_debit"] == "CRDT" else -line["amount_minor"] for line in lines)
    outstanding = sum(ours if credit else -ours for credit, ours, _, what in given_ if what == "open")
    assert found.get((OURS, "EUR"), 0) == signed
    assert found.get((CLEARING, "EUR"), 0) == -outstanding
    assert found.get((CLEARING, "USD"), 0) == 0
    assert found.get(("rounding", "EUR"), 0) == 0, "what was left on the way out comes back with the return"


CLAIMED = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from(["settlement", "return", "correction", "representation"])),
    max_size=5, unique_by=lambda row: row[:2],
)  # fmt: skip


@given(CLAIMED, CLAIMED, st.sampled_from([None, "CHRG"]))
@settings(max_examples=examples(25))
def test_of_entries_that_only_book_payments_nothing_is_posted_or_taken_back(before, now, sub_family):
    bank = entries(*(entry(number, sub_family=sub_family if number == 1 else None) for number in (1, 2, 3, 4)))
    nobody, told = states(book()), [
        claims(*(claim(number, other, 100, 100, kind=kind) for number, other, kind in rows)) for rows in (before, now)
    ]  # fmt: skip

    def post(rows: pl.DataFrame, matches: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
        return postings(nobody, rows, matches, earlier, {ACCOUNT: "bank"}, DAY)

    first = post(bank, told[0], NONE)
    assert post(calling(bank, told[0], NONE), told[0], NONE).equals(first)
    assert post(calling(bank, told[1], first), told[1], first).equals(post(bank, told[1], first))
    settled = claims(*(claim(number, 1, 100, 100) for number in (1, 2, 3, 4)))
    assert calling(bank, settled, NONE).is_empty()
