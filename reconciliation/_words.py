"""What was said of each payment: which word counts, and what became of every other one."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.frames import checked
from reconciliation.frames import ATTRIBUTED
from reconciliation.moves import DISPUTES, EFFECTS, WORDS, codes

_STRENGTHS: Final = {effect: place * 100 for place, effect in enumerate(EFFECTS)}
_TABLE: Final = pl.DataFrame(
    [(word.kind, word.code, word.effect, _STRENGTHS[word.effect] - word.rank) for word in WORDS],
    schema={"kind": pl.String, "status": pl.String, "effect": pl.String, "order": pl.Int64},
    orient="row",
)
_RECEIPT: Final = ("sequence", "feedback_id", "position")


def strongest(attributed: pl.DataFrame) -> pl.DataFrame:
    """One row a payment: status, reason, status_kind and effect of the word that counts.

    What happened to a request to cancel is a word on the payment only where it cancels. Of words of one strength the one
    of the first feedback file by id counts, which does not depend on when it came.
    """
    counting = placed(checked(attributed, ATTRIBUTED)).filter(
        pl.col("effect").is_not_null() & ((pl.col("kind") != "cancellation") | (pl.col("effect") == "cancels"))
    )
    first = counting.sort("order", "status", "feedback_id", "position", maintain_order=True)
    return first.unique("payment_id", keep="first", maintain_order=True).select(
        "payment_id", "status", "reason", "effect", status_kind="kind"
    )


def explained(attributed: pl.DataFrame) -> pl.DataFrame:
    """ATTRIBUTED in order of receipt with `note`: what became of each word.

    A word counts, repeats what was said, came late (it says less than what was known), was overtaken by a stronger one,
    contradicts, or only informs. All are kept; none is applied twice.
    """
    rows = placed(checked(attributed, ATTRIBUTED)).sort(*_RECEIPT, maintain_order=True)
    known = pl.col("effect").is_not_null()
    before = pl.col("order").cum_min().shift(1).over("payment_id")
    again = ~pl.struct("payment_id", "kind", "status", "reason").is_first_distinct()
    refuses, completes = pl.col("effect").is_in(["refuses", "cancels"]), pl.col("effect") == "completes"
    refusal = (pl.col("effect") == "refuses").any().over("payment_id")
    completion = completes.any().over("payment_id")
    contradicts = ((pl.col("effect") == "refuses") & completion) | (completes & refusal)
    strongest_yet = pl.col("order").min().over("payment_id")
    note = (
        pl.when(pl.col("reason").is_in(sorted(DISPUTES)))
        .then(pl.lit("disputes a return: moves nothing by itself, a person follows it"))
        .when(~known)
        .then(pl.lit("informs: moves nothing"))
        .when(again)
        .then(pl.lit("repeats what was said: kept, not applied again"))
        .when(contradicts)
        .then(pl.lit("contradicts another word: a person must ask, and only an entry decides"))
        .when(pl.col("order") > before)
        .then(pl.lit("late: says less than what was known, kept, not applied"))
        .when(pl.col("order") == strongest_yet)
        .then(pl.lit("counts"))
        .when(refuses | completes)
        .then(pl.lit("was overtaken by a stronger word"))
        .otherwise(pl.lit("counted until more was said"))
    )
    return rows.with_columns(note=note).select(*ATTRIBUTED.columns, "note")


def sayable() -> pl.Expr:
    """True where the status can be said of one payment, by the kind of the row."""
    return (
        pl.when(pl.col("kind") == "cancellation")
        .then(pl.col("status").is_in(codes("cancellation")))
        .otherwise(pl.col("status").is_in(codes("status")))
    )


def placed(attributed: pl.DataFrame) -> pl.DataFrame:
    """With `effect` of each word (null: it says nothing of where the payment stands) and `order`, smallest for the strongest."""
    # A return returns whatever status it carries.
    named = pl.when(pl.col("kind") == "return").then(pl.lit("RJCT")).otherwise("status")
    joined = attributed.with_columns(named=named).join(
        _TABLE, left_on=["kind", "named"], right_on=["kind", "status"], how="left", maintain_order="left"
    )
    return joined.drop("named")
