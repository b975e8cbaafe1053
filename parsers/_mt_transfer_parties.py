"""Parties and banks of an MT101: the options of fields 50a, 59a, 52a and 57a, read into canonical columns.

Source: SWIFT, MT101 field specifications: 50a and 59a options F (numbered lines), G, H, A and none; party identifiers
with national clearing codes.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from parsers._mt_segments import LETTERS

PARTY: Final = (
    "account", "name", "id", "street", "town", "country", "address_lines",
)  # fmt: skip
_OPTION_F: Final = 6
_BIC_OPTIONS: Final = (1, 7)
_BIC: Final = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$"
_CLEARING: Final = r"^//[A-Z]{2}([A-Z0-9]+)"


def parties(fields: pl.DataFrame) -> pl.DataFrame:
    """`key` and PARTY columns of fields 50F, 50G, 50H, 59, 59A, 59F. `fields`: key, code, text."""
    option, text = pl.col("code") % LETTERS, pl.col("text")
    has_account = text.str.starts_with("/")
    halves = text.str.splitn("\n", 2).struct
    frame = fields.select(
        "key",
        option.alias("option"),
        pl.when(has_account).then(halves.field("field_0").str.strip_chars_start("/")).alias("account"),
        pl.when(has_account).then(halves.field("field_1")).otherwise(text).alias("rest"),
    )
    frame = frame.with_columns(pl.col("account").str.replace_all(" ", "", literal=True).replace({"": None}))
    structured = frame.filter(pl.col("option") == _OPTION_F).select("key", "account", *_numbered())
    by_bic = frame.filter(pl.col("option").is_in(_BIC_OPTIONS)).select("key", "account", pl.col("rest").alias("id"))
    free = frame.filter((pl.col("option") != _OPTION_F) & ~pl.col("option").is_in(_BIC_OPTIONS))
    lines = pl.col("rest").str.splitn("\n", 2).struct
    named = free.select(
        "key", "account", lines.field("field_0").alias("name"), lines.field("field_1").alias("address_lines")
    )
    whole = pl.concat([structured, by_bic, named], how="diagonal")
    missing = [pl.lit(None, dtype=pl.String).alias(name) for name in PARTY if name not in whole.columns]
    return whole.with_columns(missing).select("key", *PARTY)


def _numbered() -> list[pl.Expr]:
    """Lines 1/ are the name, 2/ the street, 3/ country and town; the rest are address lines."""
    rest = pl.col("rest")

    def of(number: str) -> pl.Expr:
        found = rest.str.extract_all(rf"(?m)^{number}/[^\n]*").list.join("\n").str.replace_all(rf"(?m)^{number}/", "")
        return found.str.replace_all("\n", " ", literal=True).replace({"": None})

    # A code stands in the place of the account: the first line is then no address.
    return [
        of("1").alias("name"),
        of("2").alias("street"),
        rest.str.extract(r"(?m)^3/[A-Z]{2}/([^\n]+)").alias("town"),
        rest.str.extract(r"(?m)^3/([A-Z]{2})(?:/|$)").alias("country"),
    ]


def banks(fields: pl.DataFrame) -> pl.DataFrame:
    """`key` and `agent` of fields 52a and 57a: the BIC, else the bank's number in its clearing system."""
    last = pl.col("text").str.extract(r"([^\n]*)$")
    member = pl.col("text").str.extract(_CLEARING)
    is_bic = (pl.col("code") % LETTERS == 1) & last.str.contains(_BIC)
    return fields.select("key", pl.when(is_bic).then(last).otherwise(member).alias("agent"))
