"""Finance's two reports, as `canonical.contracts.Report`: any report export can write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from canonical.contracts import Chart, Report, Sheet, SignOff
from canonical.counts import count_of
from reconciliation import _tables, charts, prices, settlements
from reconciliation.balances import trial_balance
from reconciliation.totals import Totals

REPORTS: Final = ("reconciliation", "settlement")
"""Names of the reports of a close."""

FUNDING: Final = {
    "client": pl.String, "currency": pl.String, "received": pl.Int64, "accepted": pl.Int64, "sent": pl.Int64,
    "returned": pl.Int64, "available": pl.Int64,
}  # fmt: skip
"""Schema of what each client paid in, ordered, had sent and back, and may still release. Minor units."""

_COUNTS: Final = frozenset({"payments", "entries", "breaks", "submissions", "quantity"})
_NOT_ADDED: Final = frozenset({"age_days", "late_days", "expected_days", "actual_days"})


@dataclass(frozen=True, slots=True)
class Period:
    """All that the reports of one day are made of.

    day: business date of the close. scope: what is reported on, e.g. a provider_id. totals: of the payments now, against the
    last close. entries, statements, matches: their frames, of this period and what was
    left over. fundings: FUNDINGS. items, adjusted: of `adjusted.items` and `adjusted.adjusted_balances`. breaks: WORKED. earlier, new: MOVED by the postings before and of this period. on_books: of
    `balances.entries_posted`. providers: account → provider_id. digests: name and SHA-256 of every input. calendars: submission_id →
    calendar of its rail. funding: FUNDING. fee_positions, fees: of `prices.expected_fees` and `prices.fee_check`.
    """

    day: dt.date
    scope: str
    totals: Totals
    entries: pl.DataFrame
    statements: pl.DataFrame
    matches: pl.DataFrame
    fundings: pl.DataFrame
    items: pl.DataFrame
    adjusted: pl.DataFrame
    breaks: pl.DataFrame
    earlier: pl.DataFrame
    new: pl.DataFrame
    on_books: pl.DataFrame
    providers: Mapping[str, str]
    digests: tuple[tuple[str, str], ...]
    fee_positions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=prices.POSITIONS))
    fees: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=prices.CHECKED))
    funding: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FUNDING))
    calendars: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=settlements.CALENDARS))


def signed(report: Report, sign_off: SignOff, reopened: str = "") -> Report:
    """The report under a sign-off; `reopened`: why its day was opened again, in front of its facts."""
    facts = (("Opened again because", reopened), *report.facts) if reopened else report.facts
    return replace(report, sign_off=sign_off, facts=facts)


def reconciliation_report(period: Period) -> Report:
    """Sheets: Summary, Bank accounts, Book to bank, Items, Matched, Breaks by age, Breaks, Tie-out, Ledger."""
    terms = _tables.tie_out_terms(period.totals.terms)
    matched = _tables.matched_by_rung(period.entries, period.matches, period.fundings)
    ages = _tables.by_age(period.breaks)
    meet = period.adjusted
    bank = _tables.bank_accounts(period.statements, period.on_books, period.providers)
    sheets = (
        _sheet("Summary", _tables.summary(period.totals.terms), "What was sent, by value date"),
        _sheet(
            "Bank accounts",
            bank,
            "Our books against the bank's balances, by statement",
            balances=("opening", "closing", "bank"),
        ),
        _sheet(
            "Book to bank",
            meet,
            "Both balances, adjusted for what the other side does not show yet, must meet",
            added=False,
        ),
        _sheet("Items", period.items, "What stands between book and bank, entry by entry"),
        _sheet("Matched", matched, "Statement entries by matching rung"),
        _sheet("Breaks by age", ages, "Open breaks by age in days"),
        _sheet("Breaks", _tables.aged(period.breaks), "Open breaks"),
        _sheet(
            "Tie-out",
            terms,
            "Conservation of every payment: each equation adds up to a difference of zero",
            added=False,
        ),
        _sheet("Ledger", trial_balance(period.earlier, period.new), "Trial balance, debit positive"),
    )
    loose = terms.filter(pl.col("group_ties") == "NO").unique(list(_tables.GROUP)).height
    apart = meet.filter(pl.col("unexplained") != 0).height
    unexplained = bank.filter(pl.col("difference") != 0).height
    facts = (
        ("Ties out", "yes" if loose == 0 else f"NO: {count_of(loose, 'group')} out, see Tie-out"),
        (
            "Book equals bank",
            "yes" if unexplained == 0 else f"NO: {count_of(unexplained, 'statement')} out, see Bank accounts",
        ),
        ("Adjusted balances meet", "yes" if apart == 0 else f"NO: {count_of(apart, 'account')} out, see Book to bank"),
        ("Open breaks", f"{period.breaks.height:,}"),
        *_facts(period),
    )
    shown = (charts.breaks_by_age(ages), charts.matched_by_rung(matched))
    return _report("reconciliation", "Reconciliation report", period, facts, sheets, shown)


def settlement_report(period: Period) -> Report:
    """Sheets: Settlement (a row a submission that moved or is open), By value date, By account, Fees, Price list."""
    told = (period.totals.submissions, period.totals.claimed, period.entries, period.matches)
    rows = settlements.settlement(*told, period.day, period.calendars)
    money = ("gross", "rejects", "outstanding", "settled", "returns", "fees", "differences", "net")
    by_account = rows.group_by("provider", "account", "currency", "credit_debit").agg(
        pl.len().cast(pl.Int64).alias("submissions"), pl.sum("payments"), *(pl.sum(name) for name in money)
    )
    by_date = settlements.by_value_date(*told)
    sheets = (
        _sheet("Settlement", rows, "Submissions that moved on this day or are open"),
        _sheet("By value date", by_date, "What the bank booked of them, by value date"),
        _sheet("By account", by_account.sort("provider", "account", "currency", "credit_debit"), "The same by account"),
        _sheet("Fees", period.fees, "The banks' charges against their price lists", balances=("tolerance",)),
        _sheet(
            "Funding", period.funding, "Credit transfers by client: paid in, accepted, sent, back, and what is left"
        ),
        _sheet("Price list", period.fee_positions, "What the price lists come to, position by position"),
    )
    late = {words: rows.filter(pl.col("late") == words).height for words in ("open and late", "late")}
    facts = (
        ("Submissions late and open", f"{late['open and late']:,}"),
        ("Submissions settled late", f"{late['late']:,}"),
        ("Charges above the price list", str(period.fees.filter(pl.col("verdict") == "above price").height)),
        *_facts(period),
    )
    return _report("settlement", "Settlement report", period, facts, sheets)


def _report(
    name: str, title: str, period: Period, facts: tuple[tuple[str, str], ...], sheets: tuple[Sheet, ...],
    shown: tuple[Chart, ...] = (),
) -> Report:  # fmt: skip
    return Report(
        name, title, period.day, period.scope, facts, sheets, charts=shown, inputs=period.digests, sign_off=SignOff()
    )


def _facts(period: Period) -> tuple[tuple[str, str], ...]:
    return (
        ("Payments", f"{period.totals.payments:,}"),
        ("Statement entries", f"{period.entries.height:,}"),
    )


def _sheet(name: str, frame: pl.DataFrame, title: str, *, balances: tuple[str, ...] = (), added: bool = True) -> Sheet:
    """`kinds` by dtype and name: whole numbers are money but where they count; `balances` are never added up."""
    kinds = {}
    for column, dtype in frame.schema.items():
        if not dtype.is_integer():
            kinds[column] = "date" if dtype == pl.Date else "text"
        elif column in _COUNTS:
            kinds[column] = "count" if added else "number"
        elif column == "share":
            kinds[column] = "share"
        elif column in _NOT_ADDED:
            kinds[column] = "number"
        else:
            kinds[column] = "money" if added and column not in balances else "balance"
    return Sheet(name, frame, kinds, title)
