"""What is wrong with single payments of an ISO message as the readers see it, as columns: what a canonical column cannot say."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, conform, empty
from canonical.masking import mask_of
from parsers._iso_paths import Message, piece

_PLACE: Final = ("batch", "batch_id", "row", "line", "end_to_end_id")


def row_faults(raw: pl.DataFrame, payments: pl.DataFrame, message: Message) -> pl.DataFrame:
    """FINDINGS of all of them."""
    return pl.concat([equivalent_amounts(raw, payments, message), second_accounts(raw, payments, message)])


def second_accounts(raw: pl.DataFrame, payments: pl.DataFrame, message: Message) -> pl.DataFrame:
    """FINDINGS of accounts that stand there in two ways, and may be two: one is a part of the other where they are the same."""
    parts = []
    for name, paths in message.in_payment.items():
        there = [path for path in paths if name.endswith("_account") and piece(path, 0) in raw.columns]
        for other in there[1:]:
            second = raw.get_column(piece(other, 0)).str.replace_all(r"[ \t\r\n]+", "")
            both = payments.select(*_PLACE, first=name).with_columns(second=second)
            # What is read stands first; a row that has only the second one reads that.
            apart = both.filter(
                (pl.col("second") != "") & ~pl.col("first").str.contains(pl.col("second"), literal=True)
            )
            parts.append(_told_apart(apart, name.removesuffix("_account"), other))
    return conform(pl.concat(parts), FINDINGS) if parts else empty(FINDINGS)


def _told_apart(apart: pl.DataFrame, side: str, field: str) -> pl.DataFrame:
    first, second = mask_of(pl.col("first")), mask_of(pl.col("second"))
    told = pl.format(
        "The account of the {} stands there twice, as {} and as {}; the first one is taken.",
        pl.lit(side),
        first,
        second,
    )
    return apart.select(
        *_PLACE, rule=pl.lit("iso-repeated"), reason=pl.lit("CH16"), severity=pl.lit(Severity.WARNING.value),
        level=pl.lit(Level.PAYMENT.value), field=pl.lit(field), value=second, message=told,
        remedy=pl.lit("Give one of them: the IBAN where there is one."),
    )  # fmt: skip


def equivalent_amounts(raw: pl.DataFrame, payments: pl.DataFrame, message: Message) -> pl.DataFrame:
    """FINDINGS of payments that give an equivalent amount in place of an instructed one."""
    name = piece(message.equivalent or "", 0)
    if name not in raw.columns:
        return empty(FINDINGS)
    text = raw.get_column(name)
    told = payments.get_column("amount_text").is_null() & text.is_not_null()
    if not told.any():
        return empty(FINDINGS)
    place = payments.filter(told).select(*_PLACE)
    return conform(
        place.with_columns(
            text.filter(told).str.head(60).alias("value"),
            rule=pl.lit("iso-equivalent-amount"),
            reason=pl.lit("AM12"),
            severity=pl.lit(Severity.ERROR.value),
            level=pl.lit(Level.PAYMENT.value),
            field=pl.lit("Amt/EqvtAmt"),
            message=pl.lit("The payment gives an equivalent amount (EqvtAmt); no rate is applied here."),
            remedy=pl.lit("Give the amount to be paid in InstdAmt, in the currency of the payment."),
        ),
        FINDINGS,
    )
