"""Amounts are digits with at most as many decimals as their currency has, above zero, and below the bound of the house.

A prenotification carries no amount: there zero is right and anything else is wrong. Digits after the last one that the
currency has are taken when they are zeros. Nothing is ever rounded.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.currencies import CURRENCIES, exponent_of
from canonical.limits import AMOUNT_MINOR_MAX
from canonical.money import format_minor
from validators._row import Check, ChecksRule, blank, quoted, where

_ROUND = "Round the amount yourself and send it with the decimals of its currency; nothing is rounded here."


_LARGEST: Final = {
    digits: format_minor(AMOUNT_MINOR_MAX, code)
    for digits, code in {item.exponent: item.code for item in CURRENCIES.values() if item.exponent is not None}.items()
}
"""Decimals of a currency → the largest amount that is taken."""


def _plainly(context: Context) -> str:
    """How an amount is written in the file's format."""
    example = context.facts.amount_example
    if example.isdigit():
        return f"Write digits alone, without a decimal sign: {example} is 1234.50 of a currency with two decimals."
    return f"Write digits and one decimal sign only, such as {example}: no sign, no blanks, no thousands separator."


def _unread(amount: pl.Expr, context: Context) -> tuple[Check, ...]:
    """Checks of a written amount that could not be read; exactly one of them holds."""
    # With an agreed decimal comma the text has one: a comma or a point are alike when asking why it was not read.
    plain = pl.col("amount_text").str.strip_chars().str.strip_prefix("+").str.replace(",", ".", literal=True)
    digits = exponent_of(pl.col("currency")).cast(pl.Int64)
    decimals = plain.str.extract(r"\.([0-9]*)$", 1).fill_null("").str.strip_chars_end("0").str.len_bytes()
    shaped = plain.str.contains(r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)$")
    whole = plain.str.extract(r"^0*([0-9]+)", 1).fill_null("")
    too_long = whole.str.len_bytes().cast(pl.Int64) + digits >= len(str(AMOUNT_MINOR_MAX))
    unread = ~blank("amount_text") & pl.col("amount_minor").is_null()
    fine = (unread & shaped & (decimals.cast(pl.Int64) > digits)).fill_null(False)
    large = (unread & shaped & too_long & ~fine).fill_null(False)
    # An unknown currency leaves the amount unread too; that is the currency's fault, told by its own rule.
    odd = unread & ~fine & ~large & (digits.is_not_null() | ~shaped)
    return (
        Check("amount_text", odd, amount + pl.lit(" is not an amount"), remedy=_plainly(context)),
        Check(
            "amount_text",
            fine,
            amount + pl.format(" has more decimals than {} has ({})", pl.col("currency"), digits),
            remedy=_ROUND,
        ),
        Check(
            "amount_text",
            large,
            amount
            + pl.format(
                " is above the largest that is taken ({} {})", digits.replace_strict(_LARGEST), pl.col("currency")
            ),
            "AM02",
            remedy="Split the payment, or agree another way for it.",
        ),
    )


def _checks(context: Context) -> tuple[Check, ...]:
    minor, amount = pl.col("amount_minor"), pl.lit("Amount ") + quoted("amount_text")
    return (
        *_unread(amount, context),
        Check(
            "amount_text",
            (minor == 0) & ~pl.col("prenote"),
            amount + pl.lit(" is zero"),
            "AM01",
            remedy="Give an amount above zero, or leave the payment out.",
        ),
        Check(
            "amount_text",
            (minor > 0) & pl.col("prenote"),
            amount + pl.lit(" stands in a prenotification, which carries none"),
            remedy="Set the amount to zero, or use the transaction code of a live payment.",
        ),
    )


RULE = ChecksRule(
    id="amount",
    reason="AM12",
    severity=Severity.ERROR,
    remedy="Write digits and one decimal sign only, as the format has it: no sign, no blanks, no thousands separator.",
    sources=(
        "ISO 20022 ActiveOrHistoricCurrencyAndAmount",
        "ISO 4217 minor units",
        "Nacha Operating Rules: prenotification",
    ),
    checks=_checks,
    suspects=where(pl.col("amount_minor").is_null(), pl.col("amount_minor") == 0, pl.col("prenote")),
)
