"""Statement lines (`:61:`) as columns: dates, direction, amount, type, references, supplementary details.

Source: SWIFT, MT940 and MT942, field 61: value date 6!n, entry date [4!n], mark 2a, funds code [1!a], amount 15d, type
1!a3!c, reference for the account owner 16x, [//16x], [34x].
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import CreditDebit
from canonical.limits import ENTRY_MINOR_MAX
from canonical.money import amount_minor

_LINE: Final = (
    r"^ *(?P<value>[0-9]{6})(?:(?P<entry_text>[0-9]{4})| {4})?(?P<mark>R[CD]|E[CD]|[CD])(?P<funds>[A-Z])?"
    r"(?P<amount>[0-9]*,[0-9]*)(?: ?(?P<kind>[A-Z][A-Z0-9 ]{3})(?P<reference>.*)|(?:[A-Z][A-Z0-9]{0,2})?(?P<untyped>//.*)?)$"
)
"""Banks write longer references than SWIFT's, blanks in front or for the entry date, before or within the type, types of their
own, or leave the type out or short: none of it can be misread."""
_BEGUN: Final = r"^ *[0-9]{6}(?:[0-9]{4}| {4})?(?:R[CD]|E[CD]|[CD])[A-Z]?$"
"""A line that breaks off before its amount: it goes on below, since no entry is without one."""
_BROKEN: Final = r"^//([^\n]+)"
"""The bank's reference on the line below: some break the line before it."""
_DIRECTIONS: Final = {
    "C": CreditDebit.CRDT.value, "D": CreditDebit.DBIT.value, "RC": CreditDebit.DBIT.value, "RD": CreditDebit.CRDT.value,
    "EC": CreditDebit.CRDT.value, "ED": CreditDebit.DBIT.value,
}  # fmt: skip
NO_REFERENCE: Final = (
    "NONREF",
    "NOREF",
    "KREF+",
    "EREF+",
    "MREF+",
    "PREF+",
    "KREF",
    "EREF",
    "MREF",
    "PREF",
    "MARF",
    "",
)
"""What stands in place of a reference: that there is none, or that `:86:` holds it."""
_HALF_A_YEAR_DAYS: Final = 184
_ORIGINAL: Final = r"/OCMT/([A-Z]{3})([0-9]+,[0-9]*)"
_RATE: Final = r"/EXCH/([0-9]+[,.]?[0-9]*)"
_CHARGES: Final = r"/CHGS/([A-Z]{3})([0-9]+,[0-9]*)"


def comma_minor(text: pl.Expr, currency: pl.Expr, minor_max: int = ENTRY_MINOR_MAX) -> pl.Expr:
    """Minor units of an amount with a decimal comma, before which at least one digit must stand."""
    return amount_minor(
        pl.when(text.str.contains("^[0-9]")).then(text).str.replace(",", ".", literal=True), currency, minor_max
    )


def entry_columns(fields: pl.DataFrame) -> pl.DataFrame:
    """One row a `:61:`: message, entry, line, currency (of its message) and what it says; amount null if unreadable.

    `fields` has the currency of each message as `currency`.
    """
    parts = pl.col("text").str.extract_groups(_LINE)
    said = _rejoined(fields).with_columns(parts.alias("parts")).unnest("parts")
    mark = pl.col("mark")
    reference = pl.coalesce("reference", "untyped").str.splitn("//", 2).struct
    said = said.with_columns(
        comma_minor(pl.when(pl.col("amount").str.len_bytes() > 1).then("amount"), pl.col("currency")).alias(
            "amount_minor"
        ),
        mark.replace_strict(_DIRECTIONS, default=None, return_dtype=pl.String).alias("credit_debit"),
        mark.is_in(["RC", "RD"]).fill_null(value=False).alias("reversal"),
        mark.is_in(["EC", "ED"]).fill_null(value=False).alias("expected"),
        pl.col("value").str.to_date("%y%m%d", strict=False).alias("value_date"),
        pl.col("kind").str.strip_chars(" "),
        reference_or_null(reference.field("field_0")).alias("reference"),
        reference_or_null(pl.coalesce(reference.field("field_1"), pl.col("more").str.extract(_BROKEN, 1))).alias(
            "servicer_reference"
        ),
        _charges().alias("charges_minor"),
        pl.when(reference.field("field_1").is_null())
        .then(pl.col("more").str.replace(_BROKEN + r"\n?", "").replace("", None))
        .otherwise("more")
        .alias("more"),
    )
    return said.with_columns(_entry_date().alias("booking_date"))


def _rejoined(fields: pl.DataFrame) -> pl.DataFrame:
    """The lines, with those that break off before the amount as one."""
    broken = pl.col("text").str.contains(_BEGUN) & pl.col("more").is_not_null()
    below = pl.col("more").str.splitn("\n", 2).struct
    return fields.with_columns(
        pl.when(broken).then(pl.col("text") + below.field("field_0").str.strip_chars_end(" ")).otherwise("text").alias("text"),
        pl.when(broken).then(below.field("field_1")).otherwise("more").alias("more"),
    )  # fmt: skip


def original_amounts(entries: pl.DataFrame) -> pl.DataFrame:
    """The entries with what `/OCMT/USD12,50` (original amount) and `/EXCH/1,0812` (rate) say below `:61:` or in `:86:`."""
    texts = pl.col("more"), pl.col("information").str.replace_all("\n", "", literal=True)

    def said(pattern: str, group: int) -> pl.Expr:
        return pl.coalesce(text.str.extract(pattern, group) for text in texts)

    return entries.with_columns(
        said(_ORIGINAL, 1).alias("instructed_currency"), said(_ORIGINAL, 2).alias("instructed_amount_text"),
        said(_RATE, 1).alias("exchange_rate_text"),
    )  # fmt: skip


def reference_or_null(text: pl.Expr) -> pl.Expr:
    """The reference without blanks around it, null where it says that there is none."""
    bare = text.str.strip_chars(" ")
    return pl.when(~bare.is_in(NO_REFERENCE)).then(bare)


def _entry_date() -> pl.Expr:
    """The entry date has no year: it is the day of that name that lies nearest to the value date.

    A value date that is no day (30 February, of months of 30 days) counts as the first of its month.
    """
    month = (pl.col("value").str.head(4) + pl.lit("01")).str.to_date("%y%m%d", strict=False)
    value = pl.coalesce("value_date", month)
    year = value.dt.year()
    days = [
        pl.format("{}{}", year + turn, pl.col("entry_text")).str.to_date("%Y%m%d", strict=False) for turn in (-1, 0, 1)
    ]  # fmt: skip
    distances = [(day - value).dt.total_days().abs() for day in days]
    nearest = pl.min_horizontal(distances)
    return pl.coalesce(
        pl.when((distance == nearest) & (distance <= _HALF_A_YEAR_DAYS)).then(day) for day, distance in zip(days, distances, strict=True)
    )  # fmt: skip


def _charges() -> pl.Expr:
    """`/CHGS/EUR0,50` in the supplementary details, where it is in the entry's currency."""
    of, amount = (pl.col("more").str.extract(_CHARGES, group) for group in (1, 2))
    return pl.when(of == pl.col("currency")).then(comma_minor(amount, pl.col("currency")))
