"""Statuses that nobody knows: what a provider's file says and the table of words does not have. They move no payment."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.frames import FINDINGS, STATUSES, checked, conform
from reconciliation._words import sayable
from reconciliation.moves import WHOLE

_REMEDY: Final = "Ask the provider what it means; until then each payment keeps the status it has."
_CODE: Final = r"^[A-Z0-9]{1,4}$"
"""What is no code at all, the formats tell themselves, at its line."""
_TOLD: Final = ("status", "cancellation")
"""A return returns whatever status it carries, and a correction has none."""


def strange_findings(statuses: pl.DataFrame) -> pl.DataFrame:
    """FINDINGS of STATUSES: one for each code and level that says nothing, with the number of places.

    Raises:
        FrameBroken: the frame breaks its schema.
    """
    of_payment = pl.col("level") == Level.PAYMENT.value
    sums_up = pl.col("status").is_in(list(WHOLE)) & ~of_payment
    odd = checked(statuses, STATUSES).filter(pl.col("kind").is_in(_TOLD) & ~(sayable() | sums_up))
    odd = odd.filter(pl.col("status").str.contains(_CODE))
    grouped = odd.group_by("kind", "level", "status", maintain_order=True).agg(places=pl.len())
    whole = pl.col("status").is_in(list(WHOLE))
    of = pl.when(of_payment).then(pl.lit("a payment")).when(pl.col("level") == Level.BATCH.value)
    what = pl.format("The status {} ", "status") + (
        pl.when(whole)
        .then(pl.lit("says that parts differ, and is given to"))
        .otherwise(pl.lit("is none that is known here, and is given to"))
    )
    times = pl.when(pl.col("places") > 1).then(pl.format(" ({} times)", "places")).otherwise(pl.lit(""))
    return conform(
        grouped.select(
            rule=pl.lit("feedback-status"),
            reason=pl.lit("CH16"),
            severity=pl.lit(Severity.WARNING.value),
            level=pl.lit(Level.FILE.value),
            value="status",
            message=what
            + pl.lit(" ")
            + of.then(pl.lit("a batch")).otherwise(pl.lit("the file"))
            + times
            + pl.lit(": no payment moves by it."),
            remedy=pl.lit(_REMEDY),
        ),
        FINDINGS,
    )
