"""What is wrong with the entries of a statement, report or notification, as FINDINGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_said
from canonical.frames import FINDINGS, dtypes, empty
from canonical.money import amount_text
from parsers._feedback_amounts import why_unread

_AGAIN: Final = "The provider must send the statement again; nothing of this file is booked."
_WHOLE: Final = "Match the entry as a whole; ask the provider for details that add up."
_STATUSES: Final = ("BOOK", "PDNG", "INFO", "FUTR")
"""ExternalEntryStatus1Code."""
_TOLD: Final = "Tell the provider. The entry is booked as it stands."


@dataclass(frozen=True, slots=True)
class _Check:
    """`broken` and `message` are expressions on the rows of `_feedback_entries`; `value` names the column to show."""

    rule: str
    reason: str
    severity: Severity
    field: str
    broken: pl.Expr
    message: pl.Expr
    remedy: str
    value: str | None = None


def _sum_message() -> pl.Expr:
    minor, currency = pl.col("detail_sum"), pl.col("currency")
    sign = pl.when(minor < 0).then(pl.lit("−")).otherwise(pl.lit(""))
    # A sum that is against the entry's direction is negative.
    return pl.format(
        "The details ({}) sum to {}{} {}, the entry is {}; the entry is kept whole.",
        "details", sign, amount_text(minor.abs(), currency), currency,
        amount_text(pl.col("entry_amount_minor"), currency),
    )  # fmt: skip


def _checks() -> tuple[_Check, ...]:
    silent = pl.format(
        "{} of the {} details have no amount in the entry's currency; the entry is kept whole.", "silent", "details"
    )
    amount = (
        pl.when(pl.col("amount_text").is_null()).then(pl.lit("The entry has no amount."))
        .when(pl.col("currency").is_null())
        .then(pl.format("The amount of the entry, {}, names no currency.", pl.col("amount_text").str.head(60)))
        .otherwise(
            pl.format(
                "The amount of the entry ({} {}) {}.", pl.col("amount_text").str.head(60), "currency",
                why_unread(pl.col("amount_text"), pl.col("currency")),
            )
        )
    )  # fmt: skip
    dates = tuple(
        _Check(
            "camt-date", "DT01", Severity.WARNING, f"Ntry/{element}",
            pl.col(f"{name}_text").is_not_null() & pl.col(f"{name}_date").is_null(),
            pl.lit(f"The {name} date is no date."), _TOLD, f"{name}_text",
        )
        for name, element in (("booking", "BookgDt"), ("value", "ValDt"))
    )  # fmt: skip
    return (
        _Check(
            "camt-amount", "AM12", Severity.FATAL, "Ntry/Amt", pl.col("entry_amount_minor").is_null(), amount, _AGAIN, "amount_text",
        ),
        _Check(
            "camt-direction", "CH16", Severity.FATAL, "Ntry/CdtDbtInd", pl.col("entry_direction").is_null(),
            pl.lit("The entry says neither CRDT nor DBIT."), _AGAIN, "direction_text",
        ),
        _Check(
            "camt-details", "AM10", Severity.WARNING, "Ntry/NtryDtls/TxDtls",
            pl.col("misfit") & pl.col("entry_amount_minor").is_not_null(),
            pl.when(pl.col("silent") > 0).then(silent).otherwise(_sum_message()), _WHOLE,
        ),
        _Check(
            "camt-batch-count", "AM20", Severity.WARNING, "Ntry/NtryDtls/Btch/NbOfTxs",
            (pl.col("details") > 1) & (pl.col("details") != pl.col("counted")),
            pl.format("NbOfTxs says {}; below it stand {}.", count_said("counted", "transaction"), count_said("details", "detail")), _TOLD,
        ),
        _Check(
            "camt-status", "CH16", Severity.WARNING, "Ntry/Sts",
            pl.col("status").is_not_null() & ~pl.col("status").is_in(_STATUSES),
            pl.format("The status of the entry, {}, is none of {}; it is not booked.", pl.col("status").str.head(20), pl.lit(", ".join(_STATUSES))),
            "Ask the provider what it means.", "status",
        ),
        *dates,
    )  # fmt: skip


def entry_findings(rows: pl.DataFrame) -> pl.DataFrame:
    """FINDINGS of the rows: an amount or a direction that nobody can book is fatal, the rest is told.

    `batch` is the ordinal of the statement in the file, `row` the position of the entry in it.
    """
    checks = _checks()
    if not rows.select(pl.any_horizontal(check.broken.any() for check in checks)).item():
        return empty(FINDINGS)
    once = rows.unique(["statement", "position"], keep="first", maintain_order=True)
    parts = [
        once.filter(check.broken).select(
            rule=pl.lit(check.rule), reason=pl.lit(check.reason), severity=pl.lit(check.severity.value),
            level=pl.lit(Level.PAYMENT.value), batch="statement", batch_id=pl.lit(None, dtype=pl.String), row="position",
            line="line", end_to_end_id="end_to_end_id", field=pl.lit(check.field),
            value=pl.col(check.value).str.head(60) if check.value else pl.lit(None, dtype=pl.String),
            message=check.message, remedy=pl.lit(check.remedy),
        )
        for check in checks
    ]  # fmt: skip
    return pl.concat(parts).select(dtypes(FINDINGS).keys())
