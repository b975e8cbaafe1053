"""SEPA credit transfers keep to the scheme: euro, its largest amount, its charge bearer, its names and remittance text.

A payment is one when its service level says SEPA, or when it is in euro between IBANs of SEPA countries and asks for nothing
else. Its characters, references and addresses have rules of their own.
"""

from __future__ import annotations

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._countries import SEPA
from validators._matrix import heads
from validators._rails import bank_country, declared_sepa, sepa_credit
from validators._row import Check, ChecksRule, quoted
from validators._sepa import common_checks, held_by


def _outside(context: Context) -> pl.Expr:
    return declared_sepa() & ~bank_country("creditor", context).is_in(SEPA)


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic:
        return payments.clear()
    more = () if heads(payments["creditor_account"]) <= SEPA else (_outside(context),)
    return held_by(payments, sepa_credit(context), *more)


def _checks(context: Context) -> tuple[Check, ...]:
    country = bank_country("creditor", context)
    return (
        *common_checks(),
        Check(
            "creditor_account",
            _outside(context),
            pl.lit("Creditor account ")
            + quoted("creditor_account")
            + pl.format(" is in {}, which is not in SEPA", country),
            "BE09",
            remedy="Leave the service level SEPA out, so that it goes through correspondent banks.",
        ),
    )


RULE = ChecksRule(
    id="sepa_credit_transfer",
    reason="CH16",
    severity=Severity.ERROR,
    remedy="Keep to what SEPA carries, or leave the service level SEPA out.",
    sources=(
        "EPC125-05 SEPA Credit Transfer scheme rulebook",
        "EPC132-08 SEPA Credit Transfer customer-to-PSP implementation guidelines",
        "EPC409-09 list of SEPA scheme countries",
    ),
    checks=_checks,
    suspects=_suspects,
)
