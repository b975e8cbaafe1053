"""Why an amount of an ISO 20022 feedback message could not be read, in words."""

from __future__ import annotations

import polars as pl

from canonical.currencies import exponent_of
from canonical.limits import ENTRY_MINOR_MAX


def why_unread(text: pl.Expr, currency: pl.Expr, minor_max: int = ENTRY_MINOR_MAX) -> pl.Expr:
    """String: what is wrong with an amount that is none of its currency, as the end of a sentence. `minor_max`: most that is read."""
    plain = text.str.strip_chars(" \t\r\n").str.strip_prefix("+")
    digits = exponent_of(currency).cast(pl.Int64)
    shaped = plain.str.contains(r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)$")
    decimals = plain.str.extract(r"\.([0-9]*)$", 1).fill_null("").str.strip_chars_end("0").str.len_bytes()
    whole = plain.str.extract(r"^0*([0-9]+)", 1).fill_null("").str.len_bytes().cast(pl.Int64)
    return (
        pl.when(currency.is_null()).then(pl.lit("names no currency"))
        .when(plain.str.contains(r"^-")).then(pl.lit("has a minus: whether it is credited or debited stands beside it"))
        .when(~shaped).then(pl.lit("is not digits with a decimal point"))
        .when(digits.is_null()).then(pl.lit("has a currency that ISO 4217 does not know"))
        .when(decimals.cast(pl.Int64) > digits).then(pl.format("has more decimals than {} has ({})", currency, digits))
        .when(whole + digits >= len(str(minor_max))).then(pl.lit("is above the largest that is read"))
        .otherwise(pl.lit("is longer than any amount"))
    )  # fmt: skip


def said_why(text: str, currency: str | None, minor_max: int = ENTRY_MINOR_MAX) -> str:
    """The same of one amount."""
    one = pl.DataFrame({"text": [text], "currency": [currency]}, schema={"text": pl.String, "currency": pl.String})
    return str(one.select(why_unread(pl.col("text"), pl.col("currency"), minor_max)).item())
