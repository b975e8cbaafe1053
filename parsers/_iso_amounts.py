"""Minor units of a window's amounts: the common form at once, every other by the house's strict reading."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.currencies import exponent
from canonical.money import amount_minor

_PLAIN: Final = r"^[0-9]{1,9}\.[0-9]{2}$"
_CENTS: Final = 2


def minor_units(text: pl.Series, currency: pl.Series) -> pl.Series:
    """Int64 column `amount_minor`, equal to `canonical.money.amount_minor` of the same texts.

    "12.34" in a currency of two digits is 1234 without its point: that is told by one pattern, six times as fast.
    """
    # The known currencies of a window are few: asking for each once is cheaper than a column of exponents.
    cents = [code for code in currency.unique().drop_nulls().to_list() if exponent(code) == _CENTS]
    frame = pl.DataFrame({"text": text, "currency": currency})
    plain = pl.col("text").str.contains(_PLAIN) & pl.col("currency").is_in(cents)
    minor = pl.when(plain.fill_null(value=False)).then(pl.col("text"))
    found = frame.select(minor.str.replace(".", "", literal=True).cast(pl.Int64).alias("amount_minor")).to_series()
    open_rows = (found.is_null() & text.is_not_null()).arg_true()
    if open_rows.is_empty():
        return found
    rest = frame[open_rows].select(amount_minor(pl.col("text"), pl.col("currency"))).to_series()
    return found.scatter(open_rows, rest)
