from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
from reconciliation_world import (
    ACCOUNT,
    DAY,
    book,
    entries,
    entry,
    payment,
    statement,
    statements,
    states,
    status,
    statuses,
)

from canonical.frames import FUNDINGS, MATCHES, POSTINGS, SUGGESTIONS, empty
from reconciliation._tables import matched_by_rung
from reconciliation.adjusted import adjusted_balances, items
from reconciliation.balances import entries_posted, moved
from reconciliation.breaks import entry_breaks, payment_breaks
from reconciliation.frames import WORK, WORKED
from reconciliation.ladder import match
from reconciliation.ledger import postings
from reconciliation.reports import Period, reconciliation_report, settlement_report
from reconciliation.states import attribute
from reconciliation.totals import Totals
from reconciliation.worked import worked

PROVIDERS = {ACCOUNT: "bank"}
NEXT = DAY + dt.timedelta(days=1)


def period(closing: int = 10_000 - 600 - 25 + 100 + 3_000, *, moved_since: bool = True) -> Period:
    """Five payments in two submissions; one is refused, one comes back, one stays open; a charge and a stranger's credit."""
    frame = book(
        payment(1), payment(2), payment(3), payment(4, submission_id="S2", reference="REF-4"), payment(5, submission_id="S2")
    )  # fmt: skip
    told = attribute(
        statuses(status(1, original_instruction_id="REF-5", status="RJCT", reason="AC04")), frame
    ).attributed
    opening = states(frame.head(4))
    bank = entries(
        entry(1, amount_minor=600, batch_id="S1", servicer_reference="BK-1", batch_count=3),
        entry(2, amount_minor=25, sub_family="CHRG", batch_id="S1"),
        entry(3, amount_minor=100, credit_debit="CRDT", instruction_id="REF-1", return_reason="AC04"),
        entry(4, amount_minor=3_000, credit_debit="CRDT"),
    )
    found = match(states(frame, told), bank, empty(MATCHES))
    now = states(frame, told, found.matches)
    earlier = postings(opening, entries(), empty(MATCHES), empty(POSTINGS), PROVIDERS, DAY)
    new = postings(now, bank, found.matches, earlier, PROVIDERS, NEXT)
    breaks = pl.concat(
        [
            entry_breaks(bank, found.matches, found.ambiguous, now, NEXT),
            payment_breaks(now, statements(), DAY + dt.timedelta(days=40), 2),
        ]
    )
    lines = statements(statement(1, 10_000, closing))
    on_books = entries_posted(bank, found.matches, pl.concat([earlier, new]))
    totals = Totals.of(now, opening if moved_since else now, found.matches)
    listed = items(lines, bank, on_books, totals.in_transit, NEXT)
    return Period(
        day=NEXT, scope="bank", totals=totals, entries=bank, statements=lines, matches=found.matches,
        fundings=empty(FUNDINGS),         items=listed, adjusted=adjusted_balances(lines, on_books, listed),
        breaks=worked(breaks, empty(WORK), empty(SUGGESTIONS), NEXT), earlier=moved(earlier),
        new=moved(new), on_books=on_books, providers=PROVIDERS, digests=(("entries", "ab" * 32),),
    )  # fmt: skip


def sheets(report) -> dict[str, pl.DataFrame]:
    return {sheet.name: sheet.frame for sheet in report.sheets}


def test_reconciliation_ties_and_says_so():
    report = reconciliation_report(period())
    facts = dict(report.facts)
    assert facts["Ties out"] == "yes"
    assert facts["Book equals bank"] == "yes"
    assert report.inputs == (("entries", "ab" * 32),)
    assert [(chart.title, dict(zip(chart.labels, chart.values, strict=True))) for chart in report.charts] == [
        ("Open breaks by age",
         {"0–1 days": 1, "2–5 days": 0, "6–30 days": 0, "31–60 days": 1, "61–90 days": 0, "90+ days": 0}),
        ("Statement entries by rung", {"bank charge": 1, "batch": 1, "not matched": 1, "return": 1}),
    ]  # fmt: skip
    tables = sheets(report)
    assert tables["Summary"].select(pl.exclude("provider", "account", "value_date")).rows() == [
        ("EUR", "CRDT", 1000, 500, 0, 500, 600, 400, 0, 100)
    ]
    assert tables["Matched"].rows() == [
        ("EUR", "bank charge", 1, 0, 25, 250), ("EUR", "batch", 1, 3, 600, 250),
        ("EUR", "not matched", 1, 0, 3000, 250), ("EUR", "return", 1, 1, 100, 250),
    ]  # fmt: skip
    assert tables["Breaks by age"].rows() == [
        ("unknown_entry", "EUR", "0–1", 1, 3000), ("unmatched_payment", "EUR", "31–60", 1, 400),
    ]  # fmt: skip
    assert tables["Ledger"].group_by("currency").agg(pl.sum("closing"))["closing"].to_list() == [0]


def test_a_difference_explains_itself_or_is_said_to_be_none():
    whole = reconciliation_report(period(closing=1))
    assert dict(whole.facts)["Book equals bank"].startswith("NO")
    assert "does not add up" in sheets(whole)["Bank accounts"]["what_explains_it"][0]
    one = period()
    fee = pl.col("fees") != 0
    unposted = (
        pl.when(fee).then(value).otherwise(name).alias(name)
        for name, value in (("posted", 0), ("difference", "amount"))
    )
    lacking = replace(one, on_books=one.on_books.with_columns(*unposted))
    row = sheets(reconciliation_report(lacking))["Bank accounts"].row(0, named=True)
    assert (row["difference"], row["explained"]) == (-25, -25)
    assert "N0002" in row["what_explains_it"]


def test_settlement_by_submission():
    rows = sheets(settlement_report(period()))["Settlement"]
    assert rows.select(
        "submission_id", "payments", "gross", "rejects", "outstanding", "settled", "returns", "fees", "net",
        "bank_reference", "actual_date", "late_days",
    ).rows() == [
        ("S1", 3, 600, 0, 0, 600, 100, 25, -525, "BK-1", DAY, 0),
        ("S2", 2, 900, 500, 400, 0, 0, 0, 0, None, None, 1),
    ]  # fmt: skip
    assert (rows["gross"] == rows["rejects"] + rows["outstanding"] + rows["settled"]).all()


def test_a_submission_that_neither_moved_nor_is_open_is_not_shown():
    assert sheets(settlement_report(period(moved_since=False)))["Settlement"]["submission_id"].to_list() == ["S2"]


def test_every_money_column_stands_beside_its_currency():
    for report in (reconciliation_report(period()), settlement_report(period())):
        assert report.sheets
        for sheet in report.sheets:
            assert set(sheet.kinds) == set(sheet.frame.columns)
            assert "currency" in sheet.frame.columns


def test_a_period_without_anything_is_a_report_too():
    on_books = entries_posted(entries(), empty(MATCHES), empty(POSTINGS))
    totals = Totals.of(states(book()), None, empty(MATCHES))
    listed = items(statements(), entries(), on_books, totals.in_transit, DAY)
    none = Period(
        day=DAY, scope="bank", totals=totals, entries=entries(), statements=statements(),
        matches=empty(MATCHES), fundings=empty(FUNDINGS), items=listed, adjusted=adjusted_balances(statements(), on_books, listed), breaks=empty(WORKED),
        earlier=moved(empty(POSTINGS)), new=moved(empty(POSTINGS)), on_books=on_books, providers={}, digests=(),
    )  # fmt: skip
    assert dict(reconciliation_report(none).facts)["Ties out"] == "yes"
    assert sheets(settlement_report(none))["Settlement"].is_empty()


def test_shares_are_rounded_as_finance_rounds():
    """What is cut off would be missing from their sum."""
    bank = entries(
        *(entry(number, amount_minor=number) for number in range(1, 12)),
        entry(12, sub_family="CHRG"),
        entry(13, sub_family="CHRG"),
    )
    found = matched_by_rung(bank, empty(MATCHES), empty(FUNDINGS))
    assert found.select("rung", "entries", "share").rows() == [
        ("bank charge", 2, 154),
        ("not matched", 11, 846),
    ]
