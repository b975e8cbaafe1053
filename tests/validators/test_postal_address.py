"""From when which rail refuses which address, and what is proposed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from validators._address import proposal
from validators.postal_address import RULE

LINES = {"creditor_address_lines": "Hauptstrasse 1\n3011 Bern"}
OWN = {"debtor_town": "Berlin", "debtor_country": "DE"}
SEPA_ABROAD = {**LINES, **OWN, "creditor_account": "CH9300762011623852957"}
CBPR = {**SEPA_ABROAD, "currency": "USD"}
WIRE = {
    **LINES, "debtor_town": "Boston", "debtor_country": "US", "currency": "USD", "service_level": "URGP",
    "debtor_account": "1", "debtor_agent": "021000021", "creditor_account": "2", "creditor_agent": "021000021",
}  # fmt: skip


@pytest.mark.parametrize(
    ("payment", "first"),
    [(CBPR, dt.date(2026, 11, 14)), (SEPA_ABROAD, dt.date(2026, 11, 15)), (WIRE, dt.date(2026, 11, 16))],
)
def test_the_day_of_settlement_decides(payment, first, payments, context):
    here = replace(context("csv"), today=dt.date(2026, 11, 2))
    days = [first - dt.timedelta(days=1), first]
    frame = payments(*({**payment, "requested_execution_date_text": str(day)} for day in days))
    told = RULE.findings(frame, here)
    assert told.select("row", "severity").rows() == [(1, "warning"), (2, "error")]
    assert all(str(first) in message for message in told["message"])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"creditor_address_lines": "A"}, "is lines without town and country;"),
        ({"creditor_address_lines": "A", "creditor_country": "CH"}, "is lines without town;"),
        ({"creditor_address_lines": "A", "creditor_town": "Bern"}, "is lines without country;"),
        ({"creditor_street": "A"}, "lacks town and country;"),
        ({"creditor_street": "A", "creditor_country": "CH"}, "lacks town;"),
        ({"creditor_street": "A", "creditor_town": "Bern"}, "lacks country;"),
    ],
)
def test_what_stands_there_is_not_called_missing(address, words, payments, context):
    base = {name: value for name, value in CBPR.items() if name not in LINES}
    told = RULE.findings(payments({**base, **address}), context("csv"))
    assert [words in message for message in told["message"]] == [True]


def test_a_past_date_settles_today(payments, context):
    told = RULE.findings(payments({**CBPR, "requested_execution_date_text": "2026-11-01"}), context("csv"))
    assert told["severity"].to_list() == ["error"]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ({}, []),
        ({"creditor_town": "Bern", "creditor_country": "CH"}, []),
        ({"creditor_town": "Bern", "creditor_country": "CH", "creditor_street": "X", "creditor_post_code": "3011"}, []),
        ({"creditor_town": "Bern", "creditor_country": "CH", "creditor_address_lines": "A\nB"}, []),
        ({"creditor_town": "Bern", "creditor_country": "CH", "creditor_address_lines": "A\nB\nC"}, ["error"]),
        ({"creditor_town": "Bern", "creditor_country": "CH", "creditor_address_lines": "x" * 70}, []),
        ({"creditor_town": "Bern", "creditor_country": "CH", "creditor_address_lines": "x" * 71}, ["error"]),
        ({"creditor_town": "Bern", "creditor_country": "CH", "creditor_address_lines": "A\n3011 BERN"}, ["warning"]),
        ({"creditor_town": "Bern", "creditor_country": "CH", "creditor_address_lines": "Bernstrasse 1"}, []),
        ({"creditor_town": "Bern", "creditor_country": " ", "creditor_street": "X"}, ["error"]),
        ({"creditor_country": "CH"}, ["error"]),
        ({"creditor_address_lines": "A"}, ["error"]),
    ],
)
def test_through_correspondent_banks(address, found, payments, context):
    base = {name: value for name, value in CBPR.items() if name not in LINES}
    assert RULE.findings(payments({**base, **address}), context("csv"))["severity"].to_list() == found


def test_a_debit_from_outside_the_area_needs_the_debtor_s_address(payments, context):
    debit = {"credit_debit": "DBIT", "local_instrument": "CORE", "debtor_account": "CH9300762011623852957"}
    told = RULE.findings(
        payments(debit, {**debit, **OWN}, {**debit, "debtor_account": "FR1420041010050500013M02606"}), context("csv")
    )
    assert told.select("row", "reason", "severity").rows() == [(1, "RR02", "error")]


@pytest.mark.parametrize(
    ("lines", "proposed"),
    [
        ("Hauptstrasse 1\n10115 Berlin", "town “Berlin”, country “DE”, post code “10115”"),
        ("Hauptstrasse 1\nD-10115 Berlin", "town “Berlin”, country “DE”, post code “10115”"),
        ("Rue de la Loi 1\n1000 Bruxelles\nBE", "town “Bruxelles”, country “BE”, post code “1000”"),
        ("Kungsgatan 1\n111 43 Stockholm", "town “Stockholm”, country “DE”, post code “111 43”"),
        ("Damrak 1\n1012 LG Amsterdam", "town “Amsterdam”, country “NL”, post code “1012 LG”"),
        ("1 High Street\nLondon SW1A 1AA", "town “London”, country “GB”, post code “SW1A 1AA”"),
        ("1 Main Street\nSpringfield, IL 62701", "town “Springfield”, country “US”, post code “62701”"),
        ("Somewhere", None),
        (None, None),
    ],
)
def test_proposals(lines, proposed, payments):
    frame = payments({"creditor_address_lines": lines, "creditor_account": "DE89370400440532013000"})
    assert frame.select(proposal("creditor", pl.lit("DE"))).item() == proposed


def test_what_stands_as_an_element_is_kept(payments):
    frame = payments(
        {"creditor_address_lines": "1 Rue\n1200 Geneva", "creditor_country": "CH", "creditor_post_code": "1201"}
    )
    assert frame.select(proposal("creditor", pl.lit("DE"))).item() == "town “Geneva”, country “CH”, post code “1201”"


def test_fixed_width_formats_have_no_room_for_addresses(payments, context):
    assert RULE.findings(payments(CBPR), context("nacha")).is_empty()
    assert isinstance(proposal("debtor", pl.lit("DE")), pl.Expr)
