"""Rung fx: the entry names the payment and is in another currency; the bank tells how it came from the payment's amount.

It tells the amount as instructed (InstdAmt), the counter value (CntrValAmt), or the rate (XchgRate): the payment's amount
multiplied or divided by it, rounded to the minor unit. Charges that the entry tells are taken off first. Integers only.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.currencies import exponent_of
from canonical.money import minor_of
from reconciliation._amounts import alone
from reconciliation._meet import Claims
from reconciliation._naming import named_payments
from reconciliation._rung import Case, Rung
from reconciliation._side import beside
from reconciliation._sides import NAMES

_BANK: Final = (
    "amount_minor", "currency", "credit_debit", "charges_minor", "instructed_amount_text", "instructed_currency",
    "counter_amount_text", "counter_currency", "exchange_rate_text",
)  # fmt: skip
_RATE: Final = r"^([0-9]{1,10})(?:\.([0-9]{0,10}))?$"
_POWERS: Final = [10**power for power in range(18)]
ACCOUNT: Final = "fx"


def _find(case: Case) -> Claims:
    named = alone(named_payments(case.bank, case.book.filter("is_open"), case.words, case.rule.fields or NAMES))
    sides = beside(named, case.bank, case.book, _BANK, ("amount_minor", "currency"))
    foreign = sides.filter(pl.col("currency") != pl.col("currency_p"))
    told = _tells(foreign, "instructed") | _tells(foreign, "counter") | _by_rate(foreign)
    account = pl.lit(case.rule.account or ACCOUNT)
    return Claims.of(
        foreign.filter(told).select(
            "e", "p", amount_minor="amount_minor_p", entry_minor="amount_minor", difference_account=account
        )
    )


def _tells(foreign: pl.DataFrame, which: str) -> pl.Series:
    """The entry tells the payment's own amount and currency."""
    told = minor_of(foreign.select(_pointed(f"{which}_amount_text")).to_series(), foreign[f"{which}_currency"])
    same = (told == foreign["amount_minor_p"]) & (foreign[f"{which}_currency"] == foreign["currency_p"])
    return same.fill_null(value=False)


def _pointed(name: str) -> pl.Expr:
    """MT writes a comma, also behind a whole number."""
    return pl.col(name).str.strip_chars().str.replace(",", ".", literal=True)


def _by_rate(foreign: pl.DataFrame) -> pl.Series:
    # Step by step: as one expression, in which each part stands many times, planning it takes a tenth of a second.
    text = _pointed("exchange_rate_text")
    parts = foreign.with_columns(
        whole=text.str.extract(_RATE, 1),
        fraction=text.str.extract(_RATE, 2).fill_null("").str.strip_chars_end("0"),
        shift=exponent_of(pl.col("currency")).cast(pl.Int64) - exponent_of(pl.col("currency_p")).cast(pl.Int64),
    )
    terms = parts.with_columns(
        rate=pl.concat_str("whole", "fraction").cast(pl.Int128, strict=False),
        ours=pl.col("amount_minor_p").cast(pl.Int128),
        tens=_power(pl.col("fraction").str.len_bytes().cast(pl.Int64)),
        up=_power(pl.col("shift")),
        down=_power(-pl.col("shift")),
    )
    rate, ours, tens, up, down = (pl.col(name) for name in ("rate", "ours", "tens", "up", "down"))
    sides = terms.with_columns(
        times=ours * rate * up, per_time=tens * down, over=ours * tens * up, per_over=rate * down
    )
    either = _rounds(pl.col("times"), pl.col("per_time")) | _rounds(pl.col("over"), pl.col("per_over"))
    return sides.select(((rate > 0) & either).fill_null(value=False)).to_series()


def _rounds(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """The entry's amount, without the charges it tells, is the quotient rounded to a minor unit, a half either way."""
    charges = pl.col("charges_minor").fill_null(0)
    signed = pl.when(pl.col("credit_debit") == "DBIT").then(-charges).otherwise(charges)
    entry = pl.col("amount_minor").cast(pl.Int128)
    return (2 * (entry * denominator - numerator).abs() <= denominator) | (
        2 * ((entry + signed) * denominator - numerator).abs() <= denominator
    )


def _power(power: pl.Expr) -> pl.Expr:
    """Ten to the power, one where it is negative."""
    return power.clip(0).replace_strict(list(range(len(_POWERS))), _POWERS, return_dtype=pl.Int64).cast(pl.Int128)


RUNG: Final = Rung("fx", 80, _find, back="return_fx")
