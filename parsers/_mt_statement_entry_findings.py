"""What is wrong with the statement lines (`:61:`) of MT940, MT942 and MT950: which part of a line cannot be read, and why.

Source: SWIFT, MT940, field 61: `6!n[4!n]2a[1!a]15d1!a3!c16x[//16x][34x]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.limits import ENTRY_MINOR_MAX
from canonical.money import amount_text
from parsers._mt_statement_findings import Kind, as_batch

_DAYS: Final = r"^ *[0-9]{6}(?:[0-9]{4}| {4})?"
_MARKED: Final = _DAYS + r"(?:R[CD]|E[CD]|[CD])[A-Z]?"
_LONG_DAYS: Final = r"^ *(?:[0-9]{7,9}|[0-9]{11,})(?:R[CD]|E[CD]|[CD])"
_NO_COMMA: Final = _MARKED + r"([0-9][0-9.']*)(?:[^0-9.',]|$)"
_OWN_TYPE: Final = r"^[^NFS]"
"""A transaction type that is the bank's own: SWIFT's say how the entry came about (S, N) or that it is a first advice (F)."""


def entry_findings(entries: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    """Entries that nobody can book are fatal; what is unclear of others is told."""
    frame = as_batch(entries).with_columns(row="position")
    yield from _unreadable(frame.filter(pl.col("mark").is_null()), kind)
    frame = frame.filter(pl.col("mark").is_not_null())
    yield from _amounts(frame, kind)
    untyped = kind.fault("entry", "CH16", Severity.WARNING, Level.PAYMENT, ":61:")
    yield untyped.on(frame.filter(pl.col("kind").is_null()), "The line has no transaction type.")
    own = frame.filter(pl.col("kind").str.contains(_OWN_TYPE))
    yield untyped.on(
        own, "The transaction type begins with none of N, F and S; it is taken as it stands.", pl.col("kind")
    )
    date = kind.fault("date", "DT01", Severity.WARNING, Level.PAYMENT, ":61:")
    yield date.on(frame.filter(pl.col("value_date").is_null()), "The value date is no date.", pl.col("value"))
    undated = frame.filter(
        pl.col("value_date").is_not_null() & pl.col("entry_text").is_not_null() & pl.col("booking_date").is_null()
    )
    yield date.on(undated, "The entry date is no day of the year.", pl.col("entry_text"))
    information = kind.fault("information", "FF02", Severity.WARNING, Level.PAYMENT, ":86:")
    message = "The information is not written as the profile declares it (information); it is read as text."
    yield information.on(frame.filter("misfit"), message)


def _unreadable(frame: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    """Lines that are none, by the first part that is missing or written otherwise."""
    text = pl.col("text")
    bare = text.str.extract(_NO_COMMA, 1)
    amount = kind.fault("amount", "AM12", Severity.FATAL, Level.PAYMENT, ":61:")
    yield amount.on(frame.filter(bare.is_not_null()), "The amount has no decimal comma: 1250 is written 1250,00.", bare)
    form = kind.fault("entry", "CH16", Severity.FATAL, Level.PAYMENT, ":61:")
    message = (
        pl.when(~text.str.contains(_DAYS))
        .then(pl.lit("The line begins with no value date (YYMMDD)."))
        .when(text.str.contains(_LONG_DAYS))
        .then(pl.lit("The dates of the line have more digits than YYMMDD and MMDD."))
        .when(~text.str.contains(_MARKED))
        .then(pl.lit("No mark (C, D, RC, RD) stands behind the dates of the line."))
        .otherwise(pl.lit("The line cannot be read as value date, mark, amount and type."))
    )
    yield form.on(frame.filter(bare.is_null()), message)


def _amounts(frame: pl.DataFrame, kind: Kind) -> Iterator[pl.DataFrame]:
    """Amounts that are none in the currency of the message, or more than is read."""
    wrong = frame.filter(pl.col("amount_minor").is_null() & pl.col("currency").is_not_null())
    largest = amount_text(pl.lit(ENTRY_MINOR_MAX, dtype=pl.Int64), pl.col("currency"))
    amount, fraction = pl.col("amount"), pl.col("amount").str.extract(",([0-9]*)$", 1)
    message = (
        pl.when(amount.str.starts_with(","))
        .then(pl.lit("The amount has no digit before its comma."))
        .when(largest.is_null())
        .then(pl.format("{} is no currency with amounts.", "currency"))
        .when(
            fraction.str.strip_chars_end("0").str.len_chars()
            > largest.str.extract(r"\.([0-9]*)$", 1).fill_null("").str.len_chars()
        )
        .then(pl.format("The amount has more decimals than {} has.", "currency"))
        .otherwise(pl.format("The amount is above the largest that is read ({} {}).", largest, "currency"))
    )
    fault = kind.fault("amount", "AM12", Severity.FATAL, Level.PAYMENT, ":61:")
    yield fault.on(wrong, message, amount)
