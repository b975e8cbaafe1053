from __future__ import annotations

import datetime as dt

import polars as pl
from reconciliation_world import (
    DAY,
    book,
    claimed,
    entries,
    entry,
    payment,
    statement,
    statements,
    states,
    status,
    statuses,
)  # fmt: skip

from canonical.frames import FINDINGS, MATCHES, dtypes, empty
from reconciliation.breaks import contradiction_breaks, entry_breaks, payment_breaks
from reconciliation.feedback_breaks import chain_breaks, feedback_breaks, finding_breaks, gap_breaks, missing_breaks
from reconciliation.ladder import match
from reconciliation.states import attribute, contradicted


def later(days: int) -> dt.date:
    return DAY + dt.timedelta(days=days)


def test_entries_that_nothing_explains():
    bank = entries(
        entry(1), entry(2, sub_family="FEES"), entry(3, booked=False), entry(4, return_reason="AC04"), entry(5)
    )
    matches = claimed(("N0005", "file-0005", "settlement", 500))
    found = entry_breaks(bank, matches, match(states(book()), bank, matches).ambiguous, states(book()), later(3))
    assert found.select("subject", "kind", "age_days").rows() == [
        ("N0001", "unknown_entry", 3),
        ("N0004", "unknown_entry", 3),
    ]
    assert "return" in found["note"][1]


def test_an_ambiguous_entry_is_one_break_and_keeps_its_id():
    bank = entries(
        entry(1, amount_minor=100, instruction_id="REF-1"), entry(2, amount_minor=100, instruction_id="REF-1")
    )
    ambiguous = match(states(book(payment(1))), bank, empty(MATCHES)).ambiguous
    today, tomorrow = (entry_breaks(bank, empty(MATCHES), ambiguous, states(book()), later(days)) for days in (0, 1))
    assert today["kind"].to_list() == ["ambiguous", "ambiguous"]
    assert today["break_id"].to_list() == tomorrow["break_id"].to_list()
    assert today["break_id"].n_unique() == 2


def test_payments_wait_weekdays_not_days():
    friday = dt.date(2026, 3, 13)
    frame = states(book(payment(1, execution_date=friday, submitted_on=friday), payment(2, amount_minor=0)))
    assert payment_breaks(frame, statements(), friday + dt.timedelta(days=3), 1).is_empty()
    found = payment_breaks(frame, statements(), friday + dt.timedelta(days=4), 1)
    assert found.select("subject", "age_days").rows() == [("file-0001", 4)]


def test_unknown_outcomes_ask_before_sending_again():
    frame = states(book(payment(1, delivery_state="UNKNOWN", submitted_on=None)))
    assert "ask before" in payment_breaks(frame, statements(), later(5), 1)["note"][0]


def test_unknown_feedback():
    unknown = attribute(statuses(status(7, original_instruction_id="NOBODY", status="RJCT")), book(payment(1))).unknown
    found = feedback_breaks(unknown, DAY)
    assert found.select("subject", "amount_minor", "currency", "since").rows() == [("B1/7", 0, "XXX", DAY)]
    assert "NOBODY" in found["note"][0]
    received = feedback_breaks(unknown.with_columns(received_on=pl.lit(later(-4))), DAY)
    assert received["age_days"].to_list() == [4]


def test_contradictions():
    frame = book(payment(1))
    told = attribute(statuses(status(1, original_instruction_id="REF-1", status="RJCT")), frame).attributed
    now = states(frame, told, claimed(("N1", "file-0001", "settlement", 100)))
    assert contradiction_breaks(contradicted(now, told), DAY)["kind"].to_list() == ["contradiction"]


def test_a_gap_between_statements_and_within_one():
    whole = statements(statement(1, 0, 500), statement(2, 500, 300), statement(3, 300, 300))
    assert chain_breaks(whole, later(9)).is_empty()
    missing = chain_breaks(whole.filter(pl.col("sequence") != 2), later(9))
    assert missing.select("subject", "amount_minor", "credit_debit").rows() == [("ST3/opening", 200, "DBIT")]
    assert missing["note"][0] == "statement ST3 opens with another balance than ST1 closed with: 2.00"
    again = chain_breaks(statements(statement(1, 0, 500), statement(2, 0, 500, sequence=1, to_date=DAY)), DAY)
    assert again["note"].to_list() == [
        "statement ST2 has its number and day, and opens with another balance than ST1 closed with: 5.00"
    ]
    broken = chain_breaks(statements(statement(1, 0, 500, credits_minor=400)), DAY)
    assert broken.select("subject", "amount_minor").rows() == [("ST1/inside", 100)]


def test_accounts_have_chains_of_their_own():
    lines = statements(statement(1, 0, 500), statement(2, 900, 900, account="GB33BUKB20201555555555"))
    assert chain_breaks(lines, DAY).is_empty()


def test_findings_of_feedback_files_are_one_break_a_file_and_rule():
    rows = [
        {"rule": rule, "reason": "NARR", "severity": "error", "level": "file", "line": line, "message": f"{rule} at {line}.",
         "remedy": "Ask the bank.", "feedback_id": "B1", "received_on": later(-2)}
        for rule, line in (("camt-sum", 7), ("camt-sum", 9), ("camt-date", None))
    ]  # fmt: skip
    schema = {**dtypes(FINDINGS), "feedback_id": pl.String, "received_on": pl.Date}
    found = finding_breaks(pl.DataFrame(rows, schema=schema), DAY)
    assert found.select("subject", "kind", "age_days").rows() == [
        ("B1/camt-date", "feedback_finding", 2),
        ("B1/camt-sum", "feedback_finding", 2),
    ]
    assert found["note"].to_list() == [
        "error: camt-date at None. Ask the bank.",
        "error, line 7: camt-sum at 7. Ask the bank. (2 such findings)",
    ]
    assert finding_breaks(pl.DataFrame(schema=schema), DAY).is_empty()


def kinds(bank: pl.DataFrame, matches: pl.DataFrame, now: pl.DataFrame) -> dict[str, str]:
    nothing = match(states(book()), entries(), empty(MATCHES)).ambiguous
    return dict(entry_breaks(bank, matches, nothing, now, DAY).select("subject", "kind").iter_rows())


def test_what_the_bank_booked_twice_is_told_as_such() -> None:
    twice = {"amount_minor": 100, "servicer_reference": "BK-7"}
    bank = entries(entry(1, **twice), entry(2, statement_id="ST2", **twice))
    assert kinds(bank, empty(MATCHES), states(book())) == {"N0001": "unknown_entry", "N0002": "duplicate_entry"}
    claimed_later = claimed(("N0002", "file-0001", "settlement", 100))
    assert kinds(bank, claimed_later, states(book())) == {"N0001": "duplicate_entry"}
    other = entries(entry(1, **twice), entry(2, statement_id="ST2", **{**twice, "amount_minor": 101}))
    assert set(kinds(other, empty(MATCHES), states(book())).values()) == {"unknown_entry"}
    back = entries(entry(1, **twice), entry(2, statement_id="ST2", credit_debit="CRDT", **twice))
    assert set(kinds(back, empty(MATCHES), states(book())).values()) == {"unknown_entry"}


def test_rows_of_one_entry_are_no_duplicates() -> None:
    details = [
        entry(number, position=1, detail=number, amount_minor=100, servicer_reference="BK-7") for number in (1, 2)
    ]
    assert set(kinds(entries(*details), empty(MATCHES), states(book())).values()) == {"unknown_entry"}


def test_an_entry_that_names_a_payment_of_another_amount() -> None:
    now = states(book(payment(1), payment(2), payment(3, end_to_end_id="E2E-2")))
    bank = entries(
        entry(1, amount_minor=99, instruction_id="REF-1"),
        entry(2, amount_minor=999, end_to_end_id="E2E-2"),
        entry(3, amount_minor=301, instruction_id="REF-3", credit_debit="CRDT"),
    )
    found = kinds(bank, empty(MATCHES), now)
    assert found == {"N0001": "amount_difference", "N0002": "unknown_entry", "N0003": "unknown_entry"}
    nothing = match(states(book()), entries(), empty(MATCHES)).ambiguous
    told = entry_breaks(bank, empty(MATCHES), nothing, now, DAY).filter(pl.col("kind") == "amount_difference")
    assert told["note"].to_list() == ["names payment file-0001 of 1.00, and 0.01 less was booked"]


def test_what_a_later_statement_does_not_show_is_overdue_and_grows_older() -> None:
    frame = states(book(payment(1), payment(2, execution_date=later(1))))
    of_the_day = statements(statement(1, 0, 500))
    next_one = statements(statement(1, 0, 500), statement(2, 500, 500))
    assert payment_breaks(frame, of_the_day, later(1), 3).is_empty()
    overdue = payment_breaks(frame, next_one, later(1), 3)
    assert overdue.select("subject", "kind").rows() == [("file-0001", "overdue")]
    old = payment_breaks(frame, next_one, later(9), 3).filter(pl.col("subject") == "file-0001")
    assert old["kind"].to_list() == ["unmatched_payment"]
    assert old["break_id"].to_list() == overdue["break_id"].to_list()


def test_more_is_learnt_of_an_entry_and_it_stays_the_same_break() -> None:
    bank = entries(entry(1, amount_minor=99, instruction_id="REF-1"))
    nothing = match(states(book()), entries(), empty(MATCHES)).ambiguous
    before, after = (
        entry_breaks(bank, empty(MATCHES), nothing, states(frame), DAY) for frame in (book(), book(payment(1)))
    )
    assert (before["kind"][0], after["kind"][0]) == ("unknown_entry", "amount_difference")
    assert before["break_id"].to_list() == after["break_id"].to_list()


def test_statements_that_are_missing() -> None:
    whole = statements(statement(1, 0, 500), statement(2, 500, 500), statement(3, 500, 300))
    assert gap_breaks(whole, later(9)).is_empty()
    found = gap_breaks(whole.filter(pl.col("sequence") != 2), later(9))
    assert found.select("subject", "kind", "amount_minor").rows() == [("ST3/before", "statement_missing", 0)]
    assert "1 statement missing between ST1 and ST3" in found["note"][0]
    broken = statements(statement(1, 0, 500), statement(3, 400, 300))
    assert gap_breaks(broken, later(9)).is_empty(), "the gap of its balances has it"
    due = pl.DataFrame({"account": ["A1"], "currency": ["EUR"], "day": [DAY]})
    (row,) = missing_breaks(due, later(2)).rows(named=True)
    assert (row["kind"], row["subject"], row["age_days"]) == ("statement_missing", f"A1/{DAY}", 2)
