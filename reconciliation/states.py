"""Where each payment stands: one state, decided from what is known of it, however often and in whatever order it came.

| what is known (first line that holds) | state |
|---|---|
| sent, settled by a BOOK entry, and a return entry or a provider's return | returned |
| sent, settled by a BOOK entry | settled |
| sent, and the submission was rejected, or the first final word is RJCT or CANC, or a return was told | provider_rejected |
| RELEASING or UNKNOWN, and no word from the provider | submitted_unknown |
| sent | outstanding |
| verdict RJCT, or the whole file rejected | rejected |
| file refused at approval or cancelled | cancelled |
| anything else | waiting |

"Sent" is RELEASING and later. The first final word (RJCT, CANC, ACSC) in order of receipt stands; a later one that
says otherwise is a contradiction for a person and is not applied. ACSC only informs: it keeps a later RJCT from being
applied, it does not settle. A repeat of what was said changes nothing, because the state is a function of what is known.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.errors import FrameBroken
from canonical.frames import MATCHES, checked, dtypes
from reconciliation._attribution import PAYMENT_STATUSES, Attribution, attribute
from reconciliation.frames import ATTRIBUTED, BOOK, BOOKED, NOT_SENT, SENT, STATE_NAMES, STATES

MOVES: Final[dict[str, tuple[str, ...]]] = {
    "waiting": tuple(name for name in STATE_NAMES if name != "waiting"),
    "submitted_unknown": ("outstanding", "provider_rejected", "settled", "returned"),
    "outstanding": ("provider_rejected", "settled", "returned"),
    "provider_rejected": ("settled", "returned"),
    "settled": ("returned",),
    "rejected": (),
    "cancelled": (),
    "returned": (),
}
"""State → states it may move to. What a bank books after it refused is money moved: settled, and a contradiction."""

_FINAL: Final = ("RJCT", "CANC", "ACSC")
_ROWS_NAMED_MAX: Final = 20


def payment_states(book: pl.DataFrame, attributed: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """STATES: the book with each payment's state, in the book's order.

    Args:
        book: BOOK.
        attributed: ATTRIBUTED of all feedback so far (`attribute(...).attributed`).
        matches: MATCHES of all runs so far.

    Raises:
        FrameBroken: a frame breaks its schema, a payment stands twice in the book or is claimed twice, or a match names
            a payment that was never sent.
    """
    checked(book, BOOK)
    _once(book, "a payment stands twice in the book")
    claims = checked(matches, MATCHES)
    settled = claims.filter(pl.col("kind") == "settlement").select(
        "payment_id", "value_date", booked=pl.lit(value=True)
    )
    returned = claims.filter(pl.col("kind") == "return").select(
        "payment_id", returned_on="value_date", back=pl.lit(value=True)
    )
    _once(settled, "a payment is settled twice")
    _once(returned, "a payment is returned twice")
    known = (
        book.join(_words(attributed), on="payment_id", how="left", maintain_order="left")
        .join(settled, on="payment_id", how="left", maintain_order="left")
        .join(returned, on="payment_id", how="left", maintain_order="left")
    )
    states = known.with_columns(state=_state()).select(dtypes(STATES).keys())
    _refuse_unsent(states, claims)
    return checked(states, STATES)


def contradicted(states: pl.DataFrame, attributed: pl.DataFrame) -> pl.DataFrame:
    """STATES rows on which provider and bank say opposite things, each with a `note`; nothing of it was applied twice."""
    words = attributed.filter(pl.col("kind") == "status").group_by("payment_id")
    final = words.agg(
        refused=pl.col("status").is_in(["RJCT", "CANC"]).any(), completed=(pl.col("status") == "ACSC").any()
    )
    rows = states.join(final, on="payment_id", how="left", maintain_order="left")
    refused = pl.col("refused").fill_null(value=False)
    booked = pl.col("state").is_in(BOOKED)
    note = (
        pl.when(booked & refused)
        .then(pl.lit("the provider refused it, and the bank booked it"))
        .when(booked & (pl.col("delivery_state") == "REJECTED"))
        .then(pl.lit("the provider refused the whole submission, and the bank booked this payment"))
        .when(refused & pl.col("completed"))
        .then(pl.lit("the provider says both that it is refused and that it is settled; the first word stands"))
    )
    return rows.with_columns(note=note).filter(pl.col("note").is_not_null()).select(*dtypes(STATES), "note")


def _words(attributed: pl.DataFrame) -> pl.DataFrame:
    """One row a payment: the word that counts, and whether a return was told or anything heard."""
    told = checked(attributed, ATTRIBUTED).filter(
        (pl.col("kind") == "return") | ((pl.col("kind") == "status") & pl.col("status").is_in(PAYMENT_STATUSES))
    )
    returns = pl.col("kind") == "return"
    final = ~returns & pl.col("status").is_in(_FINAL)
    counts = (
        pl.when(returns.any())
        .then(returns)
        .when(final.any())
        .then(final)
        .otherwise(pl.lit(value=True))
        .over("payment_id")
    )
    ordered = told.sort("sequence", "feedback_id", "position").filter(counts)
    # Of final words and returns the first one stands; of words that only inform, the last one.
    first = pl.col("kind").first().eq("return") | pl.col("status").first().is_in(_FINAL)
    return ordered.group_by("payment_id", maintain_order=True).agg(
        status=pl.when(first).then(pl.col("status").first()).otherwise(pl.col("status").last()),
        reason=pl.when(first).then(pl.col("reason").first()).otherwise(pl.col("reason").last()),
        status_kind=pl.col("kind").first(),
    )


def _state() -> pl.Expr:
    sent = pl.col("delivery_state").is_in(SENT) & pl.col("submission_id").is_not_null()
    returned = pl.col("status_kind") == "return"
    refused = returned | pl.col("status").is_in(["RJCT", "CANC"]) | (pl.col("delivery_state") == "REJECTED")
    unheard = pl.col("delivery_state").is_in(["RELEASING", "UNKNOWN"]) & pl.col("status_kind").is_null()
    return (
        pl.when(sent & pl.col("booked") & (pl.col("back") | returned))
        .then(pl.lit("returned"))
        .when(sent & pl.col("booked"))
        .then(pl.lit("settled"))
        .when(sent & refused)
        .then(pl.lit("provider_rejected"))
        .when(sent & unheard)
        .then(pl.lit("submitted_unknown"))
        .when(sent)
        .then(pl.lit("outstanding"))
        .when((pl.col("verdict") == "RJCT") | (pl.col("file_state") == "rejected"))
        .then(pl.lit("rejected"))
        .when(pl.col("file_state").is_in(["refused", "cancelled"]))
        .then(pl.lit("cancelled"))
        .otherwise(pl.lit("waiting"))
    )


def _once(frame: pl.DataFrame, fault: str) -> None:
    twice = frame.filter(pl.col("payment_id").is_duplicated())["payment_id"].unique().sort()
    if not twice.is_empty():
        raise FrameBroken(f"{fault}: {', '.join(twice.head(_ROWS_NAMED_MAX))}")


def _refuse_unsent(states: pl.DataFrame, matches: pl.DataFrame) -> None:
    unsent = states.filter(pl.col("state").is_in(NOT_SENT)).join(matches, on="payment_id", how="semi")
    if not unsent.is_empty():
        named = ", ".join(unsent["payment_id"].head(_ROWS_NAMED_MAX))
        raise FrameBroken(f"a match books a payment that was never sent: {named}")


__all__ = ["ATTRIBUTED", "BOOK", "MOVES", "STATES", "Attribution", "attribute", "contradicted", "payment_states"]
