"""Payments in dollars to a routing number fit an ACH entry where they are sent as one: account, amount.

A payment is meant for ACH when its local instrument is an SEC code, or its service level is not urgent. NACHA files, whose
fields have no room for more, are passed over; check digits of routing numbers have a rule of their own.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.parties import counterparty
from validators._rails import DEBITS, american
from validators._row import Check, ChecksRule, ever, quoted

ACH_AMOUNT_MINOR_MAX: Final = 9_999_999_999
"""Ten digits of cents in an ACH entry."""
ACH_ACCOUNT_CHARS_MAX: Final = 17
_SEC_CODES: Final = ("PPD", "CCD", "CTX", "WEB", "TEL", "IAT", "CIE")


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.fixed_width or not ever(payments, pl.col("currency") == "USD"):
        return payments.clear()
    ach = pl.col("local_instrument").is_in(_SEC_CODES).fill_null(value=False) | pl.col("service_level").eq_missing(
        "NURG"
    )
    return payments.filter(american() & ach)


def _account_check(side: str, reason: str, concerned: pl.Expr) -> Check:
    field = f"{side}_account"
    message = pl.format(
        f"{side.capitalize()} account {{}} has more than {ACH_ACCOUNT_CHARS_MAX} characters", quoted(field)
    )
    over = counterparty("account").str.len_chars() > ACH_ACCOUNT_CHARS_MAX
    return Check(field, concerned & over, message, reason)


def _checks(_: Context) -> tuple[Check, ...]:
    return (
        Check(
            "amount_text", (pl.col("amount_minor") > ACH_AMOUNT_MINOR_MAX),
            pl.lit("Amount ") + quoted("amount_text") + pl.lit(" is above 99999999.99, the largest of one ACH entry"), "AM02",
            remedy="Split the payment, or send it as a wire (service level URGP).",
        ),
        _account_check("creditor", "AC03", ~DEBITS),
        _account_check("debtor", "AC02", DEBITS),
    )  # fmt: skip


RULE = ChecksRule(
    id="us_payment",
    reason="AC03",
    severity=Severity.ERROR,
    remedy="Give the account number of the receiver's bank as it stands on a cheque.",
    sources=("Nacha Operating Rules, Appendix Three: entry detail record, amount and DFI account number",),
    checks=_checks,
    suspects=_suspects,
)
