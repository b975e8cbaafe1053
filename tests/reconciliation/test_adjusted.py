"""Book to bank: adjusted balances meet, and what stands between them is itemised."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from reconciliation_world import ACCOUNT, DAY, book, claimed, entries, entry, payment, statement, statements, states

from canonical.errors import NotTied
from canonical.frames import BREAKS, MATCHES, POSTINGS, empty
from reconciliation.adjusted import adjusted_balances, in_transit, items, require_met
from reconciliation.balances import entries_posted
from reconciliation.breaks import entry_breaks
from reconciliation.feedback_breaks import chain_breaks
from reconciliation.ladder import match
from reconciliation.ledger import postings

NEXT = DAY + dt.timedelta(days=1)
NONE = empty(POSTINGS)


def both(frame, bank, matches, lines, without: str = "") -> tuple[pl.DataFrame, pl.DataFrame]:
    now = states(frame, matches=matches)
    posted = postings(now, bank, matches, NONE, {ACCOUNT: "bank"}, DAY).filter(pl.col("posting_id") != without)
    on_books = entries_posted(bank, matches, posted)
    listed = items(lines, bank, on_books, in_transit(now, matches), NEXT)
    return adjusted_balances(lines, on_books, listed), listed


def test_golden_everything_that_can_stand_between():
    frame = book(
        payment(1), payment(2, execution_date=NEXT, submission_id="S2"), payment(3, credit_debit="DBIT", submission_id="S3")
    )  # fmt: skip
    bank = entries(
        entry(1), entry(7, amount_minor=40, credit_debit="CRDT"), entry(8, amount_minor=5, sub_family="CHRG")
    )
    matches = claimed(("N0001", "file-0001", "settlement", 100))
    found, listed = both(frame, bank, matches, statements(statement(1, 1000, 935)), without="fee:N0008")
    assert listed.select("item", "subject", "amount", "what_it_is").rows() == [
        ("collection in transit", "S3", 300, "overdue: due 2026-03-10; payments: 1"),
        ("entry not in our books", "N0007", 40, "booked by the bank, explained by no payment of ours; it stands on suspense"),
        ("entry not posted in full", "N0008", -5, "the ledger does not hold the whole of this entry"),
        ("payment in transit", "S2", -200, "timing: due 2026-03-11; payments: 1"),
    ]  # fmt: skip
    assert found.drop("account", "currency", "statement", "to_date").rows(named=True) == [
        {
            "bank": 935, "collection_in_transit": 300, "payment_in_transit": -200, "statements_at_fault": 0,
            "adjusted_bank": 1035, "book": 1000, "entry_not_in_our_books": 40, "entry_not_posted_in_full": -5,
            "adjusted_book": 1035, "unexplained": 0,
        }
    ]  # fmt: skip


def test_a_missing_statement_and_one_that_does_not_add_up_are_items():
    bank = entries(entry(1), entry(2, statement_id="ST3"))
    lines = statements(statement(1, 1000, 900), statement(3, 850, 640))
    found, listed = both(book(), bank, empty(MATCHES), lines)
    assert listed.filter(pl.col("item").str.starts_with("statement")).select("item", "subject", "amount").rows() == [
        ("statement does not add up", "ST3/inside", -10), ("statement missing", "ST3/opening", -50),
    ]  # fmt: skip
    assert found["unexplained"].to_list() == [0]


def test_statements_without_balances_tell_nothing_and_an_account_without_any_is_not_shown():
    bank = entries(entry(1), entry(2, statement_id="ST2"))
    first = statement(1, 0, 0, opening_minor=None, closing_minor=None)
    found, _ = both(book(), bank, empty(MATCHES), statements(first, statement(2, 900, 700)))
    assert found.select("bank", "book", "unexplained").rows() == [(700, 900, 0)]
    assert both(book(), bank, empty(MATCHES), statements(first))[0].is_empty()


def breaks_of(bank, matches, lines) -> pl.DataFrame:
    nothing = match(states(book()), entries(), empty(MATCHES)).ambiguous
    return pl.concat([entry_breaks(bank, matches, nothing, states(book()), NEXT), chain_breaks(lines, NEXT)])


def test_what_stands_between_is_in_transit_or_a_break_or_the_day_does_not_close():
    bank = entries(
        entry(1), entry(7, amount_minor=40, credit_debit="CRDT"), entry(8, amount_minor=5, sub_family="CHRG")
    )
    matches = claimed(("N0001", "file-0001", "settlement", 100))
    lines = statements(statement(1, 1000, 935, credits_minor=40, debits_minor=105), statement(3, 900, 950))
    whole = (book(payment(1), payment(2)), bank, matches, lines)
    found, listed = both(*whole)
    assert set(listed["item"]) == {
        "entry not in our books",
        "payment in transit",
        "statement missing",
        "statement does not add up",
    }
    with pytest.raises(NotTied, match=r"statement does not add up, ST3/inside, 0\.50") as lost:
        require_met(found, listed, breaks_of(bank, matches, lines))
    assert len(lost.value.rows) == 1, "the statement adds up by itself: an entry of it is not here"
    bank = pl.concat([bank, entries(entry(9, amount_minor=50, credit_debit="CRDT", statement_id="ST3"))])
    found, listed = both(whole[0], bank, matches, lines)
    known = breaks_of(bank, matches, lines)
    require_met(found, listed, known)
    for unnamed in ("N0007", "ST3/opening"):
        with pytest.raises(NotTied, match=unnamed):
            require_met(found, listed, known.filter(pl.col("subject") != unnamed))
    with pytest.raises(NotTied, match=r"entry not in our books, N0007, 0\.40"):
        require_met(found, listed, known.with_columns(amount_minor=pl.col("amount_minor") + 1))


def test_an_entry_that_the_ledger_holds_in_part_keeps_the_day_open():
    bank = entries(entry(1, amount_minor=5, sub_family="CHRG"))
    lines = statements(statement(1, 1000, 995))
    found, listed = both(book(), bank, empty(MATCHES), lines, without="fee:N0001")
    with pytest.raises(NotTied, match=r"EUR: entry not posted in full, N0001, -0\.05"):
        require_met(found, listed, empty(BREAKS))


def test_what_a_statement_without_balances_hides_is_told_with_what_is_itemised():
    between = statement(2, 0, 0, opening_minor=None, closing_minor=None)
    lines = statements(statement(1, 1000, 900), between, statement(3, 850, 550))
    bank = entries(entry(1), entry(3, statement_id="ST3"))
    found, listed = both(book(payment(2)), bank, empty(MATCHES), lines)
    with pytest.raises(NotTied) as apart:
        require_met(found, listed, breaks_of(bank, empty(MATCHES), lines))
    (told,) = apart.value.rows
    assert told == (
        f"{ACCOUNT} EUR: adjusted balance of the bank 3.50, of our books 4.00, unexplained -0.50; "
        "itemised: entry not in our books -4.00 (2), payment in transit -2.00 (1)"
    )


def test_an_entry_of_a_statement_that_does_not_count_yet_moves_neither_side():
    bank = entries(entry(1), entry(2, statement_id="ST2"))
    found, _ = both(book(), bank, empty(MATCHES), statements(statement(1, 1000, 900)))
    assert found.select("adjusted_bank", "adjusted_book").rows() == [(900, 900)]


@settings(max_examples=examples(25), deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 10**9), st.sampled_from(["open", "booked", "stranger", "fee"])),
        max_size=8,
    ),
    st.integers(-(10**6), 10**6),
)
def test_whatever_happens_the_adjusted_balances_meet(rows, off):
    payments, lines, claims = [], [], []
    for n, (credit, amount, what) in enumerate(rows, 1):
        direction = "DBIT" if credit else "CRDT"
        if what in {"open", "booked"}:
            payments.append(payment(n, amount_minor=amount, credit_debit="CRDT" if credit else "DBIT"))
        if what == "booked":
            claims.append((f"N{n:04d}", f"file-{n:04d}", "settlement", amount))
        if what != "open":
            fee = "CHRG" if what == "fee" else None
            lines.append(entry(n, amount_minor=amount, credit_debit=direction, sub_family=fee))
    moved = sum(line["amount_minor"] if line["credit_debit"] == "CRDT" else -line["amount_minor"] for line in lines)
    matches = claimed(*claims) if claims else empty(MATCHES)
    found, listed = both(book(*payments), entries(*lines), matches, statements(statement(1, 500, 500 + moved + off)))
    assert found["unexplained"].to_list() == [0]
    assert listed.filter(pl.col("item") == "statement does not add up")["amount"].to_list() == ([off] if off else [])
