"""Finance's two reports, as `canonical.contracts.Report`: any report export can write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.contracts import Chart, Report, Sheet, SignOff
from reconciliation import _tables, charts
from reconciliation.balances import trial_balance

REPORTS: Final = ("reconciliation", "settlement")
"""Names of the reports of a close."""

_COUNTS: Final = frozenset({"payments", "entries", "breaks", "submissions"})
_NOT_ADDED: Final = frozenset({"age_days", "late_days"})


@dataclass(frozen=True, slots=True)
class Period:
    """All that the reports of one day are made of.

    day: business date of the close. scope: what is reported on, e.g. a provider_id. states: STATES now. opening: STATES
    at the last close, None where there was none. entries, statements, matches: their frames, of this period and what was
    left over. breaks: WORKED. earlier, new: POSTINGS before and of this period. providers: account → provider_id. digests:
    name and SHA-256 of every input.
    """

    day: dt.date
    scope: str
    states: pl.DataFrame
    opening: pl.DataFrame | None
    entries: pl.DataFrame
    statements: pl.DataFrame
    matches: pl.DataFrame
    breaks: pl.DataFrame
    earlier: pl.DataFrame
    new: pl.DataFrame
    providers: Mapping[str, str]
    digests: tuple[tuple[str, str], ...]


def signed(report: Report, sign_off: SignOff, reopened: str = "") -> Report:
    """The report under a sign-off; `reopened`: why its day was opened again, in front of its facts."""
    facts = (("Opened again because", reopened), *report.facts) if reopened else report.facts
    return replace(report, sign_off=sign_off, facts=facts)


def reconciliation_report(period: Period) -> Report:
    """Sheets: Summary, Bank accounts, Matched, Breaks by age, Breaks, Tie-out, Ledger."""
    terms = _tables.tie_out_terms(period.states, period.opening)
    matched = _tables.matched_by_rung(period.entries, period.matches)
    ages = _tables.by_age(period.breaks)
    posted = pl.concat([period.earlier, period.new])
    bank = _tables.bank_accounts(period.statements, period.entries, period.matches, posted, period.providers)
    sheets = (
        _sheet("Summary", _tables.summary(period.states, period.opening), "What was sent, by value date"),
        _sheet(
            "Bank accounts",
            bank,
            "Our books against the bank's balances, by statement",
            balances=("opening", "closing", "bank"),
        ),
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
    loose = terms.filter((pl.col("group_ties") == "NO") & (pl.col("term") == "parsed")).height
    unexplained = bank.filter(pl.col("difference") != 0).height
    facts = (
        ("Ties out", "yes" if loose == 0 else f"NO: {loose} groups differ, see Tie-out"),
        ("Book equals bank", "yes" if unexplained == 0 else f"NO: {unexplained} statements differ, see Bank accounts"),
        ("Open breaks", str(period.breaks.height)),
        *_facts(period),
    )
    shown = (charts.breaks_by_age(ages), charts.matched_by_rung(matched))
    return _report("reconciliation", "Reconciliation report", period, facts, sheets, shown)


def settlement_report(period: Period) -> Report:
    """Sheets: Settlement (a row a submission that moved or is open) and By account."""
    rows = _tables.settlement(period.states, period.opening, period.entries, period.matches, period.day)
    money = ("gross", "rejects", "outstanding", "settled", "returns", "fees", "net")
    by_account = rows.group_by("provider", "account", "currency", "credit_debit").agg(
        pl.len().cast(pl.Int64).alias("submissions"), pl.sum("payments"), *(pl.sum(name) for name in money)
    )
    sheets = (
        _sheet("Settlement", rows, "Submissions that moved on this day or are open"),
        _sheet("By account", by_account.sort("provider", "account", "currency", "credit_debit"), "The same by account"),
    )
    late = rows.filter((pl.col("outstanding") > 0) & (pl.col("late_days") > 0)).height
    facts = (("Submissions late and open", str(late)), *_facts(period))
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
        ("Payments", str(period.states.height)),
        ("Statement entries", str(period.entries.height)),
    )


def _sheet(name: str, frame: pl.DataFrame, title: str, *, balances: tuple[str, ...] = (), added: bool = True) -> Sheet:
    """`kinds` by dtype and name: whole numbers are money but where they count; `balances` are never added up."""
    kinds = {}
    for column, dtype in frame.schema.items():
        if not dtype.is_integer():
            kinds[column] = "date" if dtype == pl.Date else "text"
        elif column in _COUNTS:
            kinds[column] = "count" if added else "number"
        elif column in _NOT_ADDED:
            kinds[column] = "number"
        else:
            kinds[column] = "money" if added and column not in balances else "balance"
    return Sheet(name, frame, kinds, title)
