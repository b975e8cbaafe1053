"""Payments in pounds within the United Kingdom name the account by sort code, and keep the reference to 18 characters.

Faster Payments and Bacs show the payee the first 18 characters of the reference. Lengths of sort code and account, and their
check digits, have rules of their own.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.parties import counterparty
from validators._rails import DEBITS, british
from validators._row import Check, ChecksRule, ever, quoted

_REFERENCE_CHARS_MAX: Final = 18


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.fixed_width or not ever(payments, pl.col("currency") == "GBP"):
        return payments.clear()
    return payments.filter(british())


def _named_check(side: str, reason: str, concerned: pl.Expr) -> Check:
    account, agent = pl.col(f"{side}_account"), pl.col(f"{side}_agent")
    # Fourteen digits are a sort code and an account in one.
    alone = account.str.contains("^[0-9 -]{6,10}$") & agent.is_null()
    message = pl.format(f"{side.capitalize()} account {{}} stands without its sort code", quoted(f"{side}_account"))
    return Check(
        f"{side}_agent", concerned & alone, message, reason, remedy="Give the six-digit sort code of its bank."
    )


def _checks(_: Context) -> tuple[Check, ...]:
    chars = pl.col("remittance_reference").str.len_chars()
    cut = pl.format(
        "Reference {} has {} characters; the payee sees the first {}",
        quoted("remittance_reference"), chars, pl.lit(_REFERENCE_CHARS_MAX),
    )  # fmt: skip
    return (
        _named_check("creditor", "RC04", ~DEBITS),
        _named_check("debtor", "RC03", DEBITS),
        Check(
            "remittance_reference", counterparty("account").is_not_null() & (chars > _REFERENCE_CHARS_MAX), cut, "RR07",
            Severity.WARNING, "Put what the payee looks for into the first 18 characters.",
        ),
    )  # fmt: skip


RULE = ChecksRule(
    id="uk_payment",
    reason="RC04",
    severity=Severity.ERROR,
    remedy="Give sort code and account, or the IBAN.",
    sources=("Pay.UK Faster Payments ISO 20022 usage guidelines", "Bacs Standard 18, data record field 10"),
    checks=_checks,
    suspects=_suspects,
)
