"""Credit transfers to a bank in another country outside SEPA say what the correspondent banks need.

A charge bearer of theirs (SLEV is only SEPA's), the creditor's bank by its BIC, and a purpose where the country asks for one
of every payment. What a bank may still add by itself is a warning.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._rails import bank_country, cross_border
from validators._row import Check, ChecksRule, blank, quoted

_PURPOSE_COUNTRIES = "AE BH CN ID IN JO KZ MY PH TH"
PURPOSE_COUNTRIES: Final = frozenset(_PURPOSE_COUNTRIES.split())
"""Whose central bank has every incoming payment carry a purpose."""


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic or (payments["service_level"] == "SEPA").fill_null(value=False).all():
        return payments.clear()
    rest = payments.filter((pl.col("service_level") != "SEPA").fill_null(value=True))
    return rest.filter(cross_border(context))


def _bearer_checks() -> tuple[Check, ...]:
    bearer = pl.col("charge_bearer")
    give = "Say who bears the charges: DEBT (you), SHAR (each its own bank's) or CRED (the creditor)."
    return (
        Check(
            "charge_bearer", bearer.is_null(), "Charge bearer is missing; banks will take it as SHAR", "CH21",
            Severity.WARNING, give,
        ),
        Check(
            "charge_bearer", bearer == "SLEV",
            pl.lit("Charge bearer ") + quoted("charge_bearer") + pl.lit(" is not used outside SEPA"), "CH16", remedy=give,
        ),
    )  # fmt: skip


def _checks(context: Context) -> tuple[Check, ...]:
    country = bank_country("creditor", context)
    return (
        *_bearer_checks(),
        # Where the account is no IBAN either, nobody can tell the country: rule `required` tells that.
        Check(
            "creditor_agent", blank("creditor_agent"),
            "Creditor bank is missing; outside SEPA the account alone may not lead there", "RC04", Severity.WARNING,
            "Give the BIC of the creditor's bank.",
        ),
        Check(
            "purpose", country.is_in(PURPOSE_COUNTRIES) & blank("purpose"),
            pl.format("Purpose is missing; banks in {} ask for one", country), "CH21", Severity.WARNING,
            "Give the purpose code, or what the creditor's bank wants in its place, so that the payment is not held.",
        ),
    )  # fmt: skip


RULE = ChecksRule(
    id="cross_border",
    reason="CH21",
    severity=Severity.ERROR,
    remedy="Give what the correspondent banks need.",
    sources=(
        "SWIFT CBPR+ usage guidelines: pain.001, pacs.008 (ChrgBr, CdtrAgt, Purp)",
        "house list of countries that ask for a purpose of every payment",
    ),
    checks=_checks,
    suspects=_suspects,
)
