"""Which payments a provider's feedback speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.frames import STATUSES, checked, dtypes
from reconciliation.frames import ATTRIBUTED, BOOK, SENT
from reconciliation.moves import WHOLE, codes

_ROW: Final = ("feedback_id", "sequence", "position")
_WORD: Final = ("kind", "status", "reason", "reason_text", "trace")
_CONTEXT: Final[dict[str, pl.Expr]] = {"feedback_id": pl.lit(""), "sequence": pl.lit(0, dtype=pl.Int64)}


@dataclass(frozen=True, slots=True)
class Attribution:
    """`attributed`: ATTRIBUTED. `unknown`: the STATUSES rows that count for no payment, with feedback_id and `note`."""

    attributed: pl.DataFrame
    unknown: pl.DataFrame


def attribute(statuses: pl.DataFrame, book: pl.DataFrame) -> Attribution:
    """Find the payments that feedback speaks of, most certain way first.

    A payment is named by OrgnlInstrId (NACHA: original trace number) = reference; else by OrgnlMsgId or OrgnlPmtInfId =
    submission_id together with an OrgnlEndToEndId that is unique within that submission. Amount, currency, direction
    and submission must agree where the feedback names them (a NACHA correction names amount zero). A group or batch
    status falls on every payment of the submission that has no word of its own in the same feedback file, the batch's
    word before the group's. PART is never a payment's status; nothing is attributed to a payment that was not sent.

    Args:
        statuses: STATUSES rows of one or many feedback files of one provider; `feedback_id` (String) and `sequence`
            (Int64, order of receipt) may stand beside them and are required where there are many.
        book: BOOK of that provider's payments.

    Raises:
        FrameBroken: a frame breaks its schema.
    """
    checked(statuses.select(dtypes(STATUSES).keys()), STATUSES)
    checked(book, BOOK)
    told = statuses.with_columns(expr.alias(name) for name, expr in _CONTEXT.items() if name not in statuses.columns)
    sent = book.filter(pl.col("delivery_state").is_in(SENT) & pl.col("submission_id").is_not_null()).select(
        "payment_id", "submission_id", "reference", "end_to_end_id",
        booked_minor="amount_minor", booked_currency="currency", booked_direction="credit_debit",
    )  # fmt: skip
    known = sent["submission_id"].unique().implode()
    told = told.with_columns(
        named=pl.coalesce(
            pl.when(pl.col(name).is_in(known)).then(pl.col(name))
            for name in ("original_message_id", "original_batch_id")
        )
    )
    payments = told.filter(pl.col("level") == "payment")
    found = _named(payments, sent)
    own = found.filter(pl.col("status").is_null() | _sayable())
    groups = told.filter(pl.col("level") != "payment")
    fanned = _fan_out(groups.filter(_sayable()), sent, own)
    attributed = pl.concat([own, fanned], how="diagonal").select(dtypes(ATTRIBUTED).keys())
    return Attribution(
        checked(attributed.sort("sequence", "feedback_id", "position", "payment_id"), ATTRIBUTED),
        _unknown(payments, groups, found),
    )


def _named(rows: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """The payment-level rows that name exactly one payment, and by what."""
    by_reference = _one_each(
        rows.filter(said("original_instruction_id")).join(
            sent.filter(said("reference")), left_on="original_instruction_id", right_on="reference", how="inner"
        ),
        "reference",
    )
    rest = rows.join(by_reference, on=_ROW, how="anti").filter(pl.col("named").is_not_null())
    once = sent.filter(said("end_to_end_id")).filter(pl.len().over("submission_id", "end_to_end_id") == 1)
    by_end_to_end = _one_each(
        rest.filter(said("original_end_to_end_id")).join(
            once.with_columns(named="submission_id"),
            left_on=["named", "original_end_to_end_id"],
            right_on=["named", "end_to_end_id"],
            how="inner",
        ),
        "end_to_end_id",
    )
    return pl.concat([by_reference, by_end_to_end], how="diagonal")


def _one_each(candidates: pl.DataFrame, via: str) -> pl.DataFrame:
    agrees = (
        (pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id")))
        & (_agrees("amount_minor", "booked_minor") | (pl.col("kind") == "correction"))
        & _agrees("currency", "booked_currency")
        & _agrees("credit_debit", "booked_direction")
    )
    unique = candidates.filter(agrees).filter(pl.len().over(_ROW) == 1)
    return unique.with_columns(via=pl.lit(via)).select(*_ROW, *_WORD, "payment_id", "via")


def _fan_out(groups: pl.DataFrame, sent: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    every = groups.filter(pl.col("named").is_not_null()).join(
        sent.select("payment_id", "submission_id"), left_on="named", right_on="submission_id", how="inner"
    )
    every = every.join(own, on=["feedback_id", "sequence", "payment_id"], how="anti")
    has_batch = (pl.col("level") == "batch").any().over("feedback_id", "sequence", "payment_id")
    closest = every.filter((pl.col("level") == "batch") | ~has_batch)
    return closest.with_columns(via=pl.col("level")).select(*_ROW, *_WORD, "payment_id", "via")


def _unknown(payments: pl.DataFrame, groups: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    lost = payments.join(found, on=_ROW, how="anti").with_columns(
        note=pl.lit("names no payment that was sent to this provider, or more than one, or one of another amount")
    )
    unsayable = payments.join(found, on=_ROW, how="semi").filter(pl.col("status").is_not_null() & ~_sayable())
    said_wrong = unsayable.with_columns(
        note=pl.lit("says of one payment what cannot be said of one: ") + pl.col("status")
    )
    strange = ~(_sayable() | pl.col("status").is_in(list(WHOLE)))
    group_note = (
        pl.when(pl.col("named").is_null())
        .then(pl.lit("names no submission that was sent to this provider"))
        .when(strange)
        .then(pl.lit("gives a status nobody knows: ") + pl.col("status"))
    )
    lost_groups = groups.with_columns(note=group_note).filter(pl.col("note").is_not_null())
    unknown = pl.concat([lost, said_wrong, lost_groups], how="diagonal_relaxed")
    return unknown.drop("named").sort("sequence", "feedback_id", "position")


def _sayable() -> pl.Expr:
    """True where the status can be said of one payment, by the kind of the row."""
    return (
        pl.when(pl.col("kind") == "cancellation")
        .then(pl.col("status").is_in(codes("cancellation")))
        .otherwise(pl.col("status").is_in(codes("status")))
    )


def said(name: str) -> pl.Expr:
    """True where an identifier identifies: not null, not blank, not NOTPROVIDED (ISO and EPC for "none")."""
    text = pl.col(name).str.strip_chars()
    return text.is_not_null() & (text != "") & (text.str.to_uppercase() != "NOTPROVIDED")


def _agrees(told: str, booked: str) -> pl.Expr:
    return pl.col(told).is_null() | (pl.col(told) == pl.col(booked)).fill_null(value=False)
