from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from canonical.frames import BREAKS, dtypes
from reconciliation.digest import ROWS_MAX, Standing, by_owner, digest, files_in, late_and_unknown, money
from reconciliation.frames import STATES

DAY = dt.date(2026, 11, 20)
BEFORE = dt.date(2026, 11, 18)


def states(*rows: tuple[str, str, int | None, str, dt.date | None]) -> pl.DataFrame:
    known = [
        {"payment_id": f"P{number}", "file_id": file_id, "currency": currency, "amount_minor": amount, "state": state,
         "execution_date": on, "provider": "bank"}
        for number, (file_id, currency, amount, state, on) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(known, schema=dtypes(STATES))


def breaks(*rows: tuple[str, int]) -> pl.DataFrame:
    known = [
        {"break_id": f"B{number}", "kind": "unknown_entry", "currency": "EUR", "amount_minor": 5, "age_days": age, "since": DAY,
         "owner": owner}
        for number, (owner, age) in enumerate(rows)
    ]  # fmt: skip
    return pl.DataFrame(known, schema={**dtypes(BREAKS), "owner": pl.String})


def standing() -> Standing:
    texts = dict.fromkeys(("kind", "subject", "message", "raised_at"), pl.String)
    return Standing(
        day=DAY,
        files=pl.DataFrame({
            "file_id": ["F1", "F2", "F0"], "client": ["alder", "birch", "alder"], "file": ["a.xml", "b.ach", "old.xml"],
            "state": ["routed", "held", "routed"], "received_on": [DAY, DAY, BEFORE],
        }),
        states=states(
            ("F1", "EUR", 100, "settled", DAY), ("F1", "EUR", 30, "rejected", None), ("F1", "JPY", 7, "outstanding", DAY),
            ("F0", "EUR", 50, "outstanding", BEFORE), ("F0", "EUR", 9, "submitted_unknown", DAY), ("F0", "EUR", 1, "settled", BEFORE),
        ),
        breaks=breaks(("", 0), ("anna", 95), ("", 40), ("bert", 3)),
        alerts=pl.DataFrame([("overdue", "bank", "no statement", "08:00")] * 9, schema=texts, orient="row"),
        days=pl.DataFrame({"day": ["2026-11-19"], "state": ["prepared"], "prepared_by": ["anna"], "reason": [""]}),
    )  # fmt: skip


def test_the_files_of_the_day():
    assert files_in(standing()).rows() == [("alder", "a.xml", "routed", 3, 1), ("birch", "b.ach", "held", 0, 0)]


def test_money_by_currency_and_fate():
    found = money(standing().states.filter(pl.col("file_id") == "F1"))
    assert found.select("currency", "payments", "amount", "settled", "refused_here", "under_way").rows() == [
        ("EUR", 2, 130, 100, 30, 0), ("JPY", 1, 7, 0, 0, 7),
    ]  # fmt: skip


def test_money_of_no_known_currency_is_not_zero():
    found = money(states(("F1", "EUX", None, "rejected", None)))
    assert found.select("currency", "payments", "amount", "refused_here").rows() == [("EUX", 1, None, None)]


def test_late_is_not_unknown():
    assert late_and_unknown(standing()).select("what", "payments", "amount", "since").rows() == [
        ("unknown", 1, 9, DAY), ("late", 1, 50, BEFORE),
    ]  # fmt: skip


def test_breaks_of_nobody_come_first_then_the_oldest():
    found = by_owner(standing().breaks)
    assert found["owner"].to_list() == ["nobody", "anna", "bert"]
    assert found.select("0–1", "2–5", "31–60", "90+").rows() == [(1, 0, 1, 0), (0, 0, 0, 1), (0, 1, 0, 0)]


def test_the_page():
    report = digest(standing())
    facts = dict(report.facts)
    assert (facts["Files in"], facts["Payments in"], facts["Ties out"]) == ("2", "3", "yes")
    assert (facts["Late"], facts["Unknown"], facts["Open breaks"], facts["Closes to review"]) == ("1", "1", "4", "1")
    tables = {sheet.name: sheet for sheet in report.sheets}
    assert tables["Alerts"].frame.height == ROWS_MAX
    assert tables["Alerts"].title == f"Alerts that stand (the first {ROWS_MAX} of 9)"
    assert not {"money", "count"} & {kind for sheet in report.sheets for kind in sheet.kinds.values()}, (
        "no total of what is cut"
    )
    assert [chart.title for chart in report.charts] == ["Payments by state", "Open breaks by age"]


def test_a_day_that_does_not_tie_is_told_too():
    report = digest(replace(standing(), breaks=None, untied="NO: 3 rows differ"))
    facts = dict(report.facts)
    assert facts["Ties out"] == "NO: 3 rows differ"
    assert facts["Open breaks"].startswith("not known")
    assert "Breaks" not in {sheet.name for sheet in report.sheets}
