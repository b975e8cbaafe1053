"""Amounts of a provider's settlement CSV: a sign, a currency sign where agreed, and digits by the strict pattern.

A minus stands before or behind the digits, before a currency sign or behind it, or the amount stands in brackets, as accountants
write what goes out; each of these says the same, and one amount has one of them at most.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.limits import ENTRY_MINOR_MAX
from canonical.money import amount_minor
from parsers._csv_amounts import BLANK, plain_digits, symbols_pattern
from parsers._settlement_options import SettlementOptions

_MINUS: Final = "[-\u2212]"
_DIGITS: Final = "[0-9.,](?:[0-9.,'’ \u00a0\u202f]*[0-9.,])?"


def signed_amounts(text: pl.Series, currency: pl.Series, options: SettlementOptions) -> pl.Series:
    """Int64 minor units of amounts as agreed; null of others, and of those with the sign of another currency."""
    frame = pl.DataFrame({"t": text, "c": currency}).with_columns(_parted(options)).unnest("parts")
    plain = plain_digits(pl.col("digits"), options.thousands, options.decimal)
    if options.minor_units:
        whole = pl.when(plain.str.contains("^[0-9]{1,15}$")).then(plain).cast(pl.Int64, strict=False)
    else:
        whole = amount_minor(plain, pl.col("c"), ENTRY_MINOR_MAX)
    minus = pl.any_horizontal(pl.col(name).str.contains(_MINUS).fill_null(value=False) for name in _SIGNS)
    signed = pl.when(minus | (pl.col("open") == "(")).then(-whole).otherwise(whole)
    return frame.select(pl.when(_once(options)).then(signed)).to_series()


_SIGNS: Final = ("before", "inner", "behind")
_SYMBOLS: Final = ("symbol", "symbol_behind")


def _parted(options: SettlementOptions) -> pl.Expr:
    """Struct of the parts of an amount, each empty or null where it does not stand there."""
    symbol = symbols_pattern(options.symbols) or "$^"
    gap = f"{BLANK}?"
    pattern = (
        rf"^(?P<open>\(?)(?P<before>(?:{_MINUS}|\+)?){gap}(?P<symbol>(?:{symbol})?){gap}(?P<inner>(?:{_MINUS}|\+)?)"
        rf"(?P<digits>{_DIGITS}){gap}(?P<symbol_behind>(?:{symbol})?){gap}(?P<behind>{_MINUS}?)(?P<close>\)?)$"
    )
    return pl.col("t").str.extract_groups(pattern).alias("parts")


def _once(options: SettlementOptions) -> pl.Expr:
    """Boolean: one sign at most, brackets in pairs, one currency sign at most, and that of the row's currency."""
    signs = pl.sum_horizontal((pl.col(name) != "").cast(pl.Int8) for name in (*_SIGNS, "open"))
    paired = (pl.col("open") == "") == (pl.col("close") == "")
    symbols = pl.concat_str(pl.col(name).fill_null("") for name in _SYMBOLS)
    means = symbols.replace_strict(options.symbols, default=None, return_dtype=pl.String)
    return (signs <= 1) & paired & ((symbols == "") | (means == pl.col("c")).fill_null(value=False))
