"""What a format of fixed fields cannot carry, as findings: a limit says which payments break it, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_of
from canonical.errors import FrameBroken
from canonical.frames import FINDINGS, conform, empty
from canonical.masking import shown
from canonical.parties import counterparty


@dataclass(frozen=True, slots=True)
class Limit:
    """`broken`: Boolean of PAYMENTS, null is unbroken. `field`: canonical column; `counterparty_<name>` is the other side's."""

    field: str
    reason: str
    broken: pl.Expr
    message: str
    remedy: str


def misfits(payments: pl.DataFrame, limits: Iterable[Limit], rule: str, *, whole: bool = False) -> pl.DataFrame:
    """FINDINGS of the payments that break a limit, one row for each, in row order.

    `whole`: the format carries on the client's own bytes; of others, payments whose words would be dropped are named too.
    """
    known = list(limits)
    flags = [limit.broken.fill_null(value=False) for limit in known]
    # Nearly always none is broken: all are looked at together, with what they have in common looked at once.
    seen = payments.lazy().select(flag.any().alias(str(place)) for place, flag in enumerate(flags)).collect()
    parts = [
        _findings(payments.filter(flag), limit, rule)
        for limit, flag, found in zip(known, flags, seen.row(0) if known else (), strict=True)
        if found
    ]
    if not whole and payments["uncarried"].null_count() < payments.height:
        parts.append(_uncarried(payments, rule))
    return conform(pl.concat(parts).sort("row", maintain_order=True), FINDINGS) if parts else empty(FINDINGS)


def _uncarried(payments: pl.DataFrame, rule: str) -> pl.DataFrame:
    """FINDINGS of the payments whose own words a format made of columns would drop, though their money moves by them."""
    lost = payments.filter(pl.col("uncarried").is_not_null())
    remedy = "Leave it out, or ask for a bank and format that carry it."
    limit = Limit("uncarried", "NARR", pl.lit(value=True), "", remedy)
    told = pl.format("What the payment says of {} cannot be carried", pl.col("uncarried"))
    return _findings(lost, limit, rule).with_columns(message=lost.select(told).to_series())


def refuse(found: pl.DataFrame, what: str, submission_id: str) -> None:
    """Nothing that `misfits` found is written.

    Raises:
        FrameBroken: there is a finding.
    """
    if found.is_empty():
        return
    first = found.row(0, named=True)
    message = (
        f"Cannot be written as {what}: {count_of(found['row'].n_unique(), 'payment')}; the first: {first['message']}"
    )
    raise FrameBroken(message, submission_id=submission_id, row=first["row"], rule=first["rule"])


def _findings(payments: pl.DataFrame, limit: Limit, rule: str) -> pl.DataFrame:
    return payments.select(
        *("batch", "batch_id", "row", "line", "end_to_end_id"),
        pl.lit(rule).alias("rule"),
        pl.lit(limit.reason).alias("reason"),
        pl.lit(Severity.ERROR.value).alias("severity"),
        pl.lit(Level.PAYMENT.value).alias("level"),
        pl.lit(limit.field).alias("field"),
        shown(limit.field, _value(limit.field)).alias("value"),
        pl.lit(limit.message).alias("message"),
        pl.lit(limit.remedy).alias("remedy"),
    )


def _value(field: str) -> pl.Expr:
    party, _, name = field.partition("_")
    return (counterparty(name) if party == "counterparty" else pl.col(field)).cast(pl.String)
