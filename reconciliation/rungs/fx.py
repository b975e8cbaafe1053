"""Rung fx: the entry names the payment and is in another currency; the bank tells how it came from the payment's amount.

It tells the amount as instructed (InstdAmt), the counter value (CntrValAmt), or the rate (XchgRate): the payment's amount
multiplied or divided by it, rounded to the minor unit. Charges that the entry tells are taken off first. Integers only.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.currencies import exponent_of
from canonical.money import amount_minor
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
    told = _tells("instructed") | _tells("counter") | _by_rate()
    account = pl.lit(case.rule.account or ACCOUNT)
    fitting = foreign.lazy().filter(told).collect()
    return Claims.of(
        fitting.select("e", "p", amount_minor="amount_minor_p", entry_minor="amount_minor", difference_account=account)
    )


def _tells(which: str) -> pl.Expr:
    """The entry tells the payment's own amount and currency."""
    currency = pl.col(f"{which}_currency")
    told = amount_minor(_pointed(f"{which}_amount_text"), currency)
    return ((told == pl.col("amount_minor_p")) & (currency == pl.col("currency_p"))).fill_null(value=False)


def _pointed(name: str) -> pl.Expr:
    """MT writes a comma, also behind a whole number."""
    return pl.col(name).str.strip_chars().str.replace(",", ".", literal=True)


def _by_rate() -> pl.Expr:
    text = _pointed("exchange_rate_text")
    whole = text.str.extract(_RATE, 1)
    fraction = text.str.extract(_RATE, 2).fill_null("").str.strip_chars_end("0")
    digits = fraction.str.len_bytes().cast(pl.Int64)
    rate = pl.concat_str(whole, fraction).cast(pl.Int128, strict=False)
    shift = exponent_of(pl.col("currency")).cast(pl.Int64) - exponent_of(pl.col("currency_p")).cast(pl.Int64)
    ours = pl.col("amount_minor_p").cast(pl.Int128)
    times = _rounds(ours * rate * _power(shift), _power(digits) * _power(-shift))
    over = _rounds(ours * _power(digits) * _power(shift), rate * _power(-shift))
    return ((rate > 0) & (times | over)).fill_null(value=False)


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
