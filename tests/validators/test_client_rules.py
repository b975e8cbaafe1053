"""Limits, entitled accounts, countries, verification of payee, calendars, and the client's own terms."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.calendars import closing_days
from canonical.contracts import FormatFacts
from canonical.frames import FINDINGS, checked
from validators import engine, limits
from validators.business_day import RULE as BUSINESS_DAY
from validators.verification_of_payee import RULE as VERIFICATION

MONEY = st.tuples(st.integers(1, 10**9), st.sampled_from(["EUR", "USD", "JPY"]), st.integers(1, 3))


def ordered(payments, money):
    frame = payments(*({"currency": currency, "batch": batch} for _, currency, batch in money))
    return frame.with_columns(pl.Series("amount_minor", [minor for minor, _, _ in money], pl.Int64)).sort("batch")


@given(money=st.lists(MONEY, min_size=1, max_size=20), at=st.integers(0, 20), limit=st.integers(0, 10**10))
def test_sums_are_exact_however_the_file_is_cut(money, at, limit, payments, context, window):
    frame = ordered(payments, money)
    sums = {}
    for minor, currency, _ in money:
        sums[currency] = sums.get(currency, 0) + minor
    here = context(limits={"file": {"EUR": limit}, "batch": {"EUR": limit}})
    rule = limits.RULE
    parts = [rule.update(rule.start(here), window(part), here) for part in (frame[:at], frame[at:])]
    told = checked(rule.finish(rule.merge(*parts), here), FINDINGS)
    assert told.filter(pl.col("level") == "file").height == (sums.get("EUR", 0) > limit)
    batches = frame.filter(pl.col("currency") == "EUR").group_by("batch").agg(pl.col("amount_minor").sum())
    over = batches.filter(pl.col("amount_minor") > limit)["batch"]
    assert sorted(told.filter(pl.col("level") == "batch")["batch"]) == sorted(over)


def test_above_names_every_currency():
    told = checked(limits.above({"EUR": 101, "JPY": 5, "USD": 7}, {"EUR": 100, "USD": 7}, "The day"), FINDINGS)
    assert told["message"].to_list() == ["The day orders 1.01 EUR, above the agreed limit of 1.00 EUR"]
    assert limits.above({}, {"EUR": 1}, "The day").is_empty()


@pytest.mark.parametrize(
    ("rows", "agreed", "found"),
    [
        ([{}], "opted_out", 1),
        ([{}], "always", 0),
        ([{}, {}], "opted_out", 0),
        ([{"currency": "USD"}], "opted_out", 0),
        ([{"credit_debit": "DBIT"}], "opted_out", 0),
    ],
)
def test_a_single_payment_is_verified(rows, agreed, found, payments, context, window):
    here, frame = context(verification_of_payee=agreed), payments(*rows)
    states = [VERIFICATION.update(VERIFICATION.start(here), window(frame[n : n + 1]), here) for n in range(len(rows))]
    state = states[0] if len(states) == 1 else VERIFICATION.merge(*states)
    assert VERIFICATION.finish(state, here).height == found


DAYS = {
    ("uk", 2021): "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",
    ("uk", 2022): "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",
    ("uk", 2023): "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26",
    ("uk", 2026): "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    ("swiss", 2026): "01-01 01-02 04-03 04-06 05-01 05-14 05-25 08-01 12-25 12-26",
}


@pytest.mark.parametrize(("calendar", "year"), sorted(DAYS))
def test_closing_days_as_published(calendar, year):
    assert " ".join(f"{day:%m-%d}" for day in sorted(closing_days(calendar, year))) == DAYS[calendar, year]


def test_a_past_day_is_left_to_the_rule_of_execution_dates(payments, context):
    frame = payments({"requested_execution_date_text": "2026-11-15"}, {"requested_execution_date_text": None})
    assert BUSINESS_DAY.findings(frame, context("csv")).is_empty()


def test_one_batch_tells_its_date_once(payments, context):
    frame = payments(*[{"requested_execution_date_text": "2026-12-25", "line": 9}] * 3)
    told = BUSINESS_DAY.findings(frame, context("pain.001"))
    assert told.select("level", "batch", "row", "line").rows() == [("batch", 1, None, 9)]
    assert told["message"].str.ends_with("moves to 2026-12-28").all()


def test_a_fault_of_a_batch_is_shown_where_the_batch_begins(payments, context, window):
    late = {"batch": 2, "batch_line": 40, "line": 52, "requested_execution_date_text": "2026-12-25"}
    frame = payments({"batch_line": 4, "line": 16}, late, {**late, "line": 64, "creditor_account": "DE00"})
    here = context("pain.001", limits={"batch": {"EUR": 1500}})
    told = pl.concat(
        [BUSINESS_DAY.findings(frame, here), engine.check_window(frame, here).filter(pl.col("rule") == "iban")]
    )
    assert told.select("level", "line").rows() == [("batch", 40), ("payment", 64)]
    over = limits.RULE.finish(limits.RULE.update(limits.Ordered(), window(frame), here), here)
    assert over.select("level", "batch", "line").rows() == [("batch", 2, 40)]


def test_fields_in_the_client_s_own_terms(payments, context):
    findings = engine.check_window(payments({"creditor_account": "DE00", "uetr": "x"}), context())
    facts = FormatFacts("x", terms={"creditor_account": "CdtrAcct/Id"})
    assert set(engine.in_terms(findings, facts)["field"]) == {"CdtrAcct/Id", "uetr"}
    assert engine.in_terms(findings, FormatFacts()).equals(findings)
    assert checked(engine.in_terms(findings, facts), FINDINGS).drop("field").equals(findings.drop("field"))


def test_the_profile_relaxes_what_a_parser_finds_too(context):
    row = {
        "rule": "iso-namespace",
        "reason": "FF01",
        "severity": "error",
        "level": "file",
        "message": "m",
        "remedy": "r",
    }
    from canonical.frames import conform

    found = conform(pl.DataFrame([row, {**row, "severity": "fatal"}]), FINDINGS)
    client = context(rules={"iso-namespace": "warning"}).client
    assert engine.apply_profile(found, client)["severity"].to_list() == ["warning", "fatal"]
    assert dt.date(2026, 12, 25) in closing_days("target", 2026)
