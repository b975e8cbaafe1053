"""No payment, batch or file is above the limit that was agreed with the client for its currency.

A currency without a limit has none. Sums count every payment whose amount could be read, whichever way the money goes. The
limit of a day runs over all files of the client, and the gateway keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context, Window
from canonical.frames import FINDINGS, conform, empty
from canonical.money import format_minor
from validators._row import LINE_OF_BATCH, Check, ChecksRule

_REMEDY: Final = "Have the limit raised before you send it again, or correct the amount."
_SOURCES: Final = ("the client's profile: limits",)


@dataclass(frozen=True, slots=True)
class Ordered:
    """State: findings of single payments, and what each batch orders: batch, batch_id, line, currency, sum_minor."""

    findings: tuple[pl.DataFrame, ...] = ()
    sums: tuple[pl.DataFrame, ...] = ()


def sums_of(payments: pl.DataFrame) -> pl.DataFrame:
    """What the payments order by batch and currency: batch, batch_id, line, currency, sum_minor (Int64)."""
    known = payments.lazy().filter(pl.col("amount_minor").is_not_null() & pl.col("currency").is_not_null())
    return (
        known.group_by("batch", "currency", maintain_order=True)
        .agg(
            pl.col("batch_id").first(),
            LINE_OF_BATCH.first().alias("line"),
            pl.col("amount_minor").sum().alias("sum_minor"),
        )
        .select("batch", "batch_id", "line", "currency", "sum_minor")
        .collect()
    )


def above(sums_minor: Mapping[str, int], limits_minor: Mapping[str, int], what: str) -> pl.DataFrame:
    """FINDINGS at file level: one for each currency whose sum is above its limit. `what` begins the sentence: "The file"."""
    rows = [
        _finding(Level.FILE, f"{what} orders", currency, sum_minor, limits_minor[currency])
        for currency, sum_minor in sorted(sums_minor.items())
        if sum_minor > limits_minor.get(currency, sum_minor)
    ]
    return conform(pl.DataFrame(rows), FINDINGS) if rows else empty(FINDINGS)


def _finding(level: Level, what: str, currency: str, sum_minor: int, limit_minor: int) -> dict[str, object]:
    ordered, agreed = format_minor(sum_minor, currency), format_minor(limit_minor, currency)
    return {
        "rule": "limits",
        "reason": "AM14",
        "severity": Severity.ERROR.value,
        "level": level.value,
        "field": "amount_text",
        "value": ordered,
        "message": f"{what} {ordered} {currency}, above the agreed limit of {agreed} {currency}",
        "remedy": _REMEDY,
    }


def _payment_checks(context: Context) -> tuple[Check, ...]:
    return tuple(
        Check(
            "amount_text",
            (pl.col("currency") == currency) & (pl.col("amount_minor") > limit),
            pl.format(
                "Amount {} {} is above the agreed limit of {} {}",
                pl.col("amount_text"), pl.lit(currency), pl.lit(format_minor(limit, currency)), pl.lit(currency),
            ),
        )
        for currency, limit in sorted(context.client.limits.payment.items())
    )  # fmt: skip


_PAYMENTS: Final = ChecksRule("limits", "AM14", Severity.ERROR, _REMEDY, _SOURCES, _payment_checks)


@dataclass(frozen=True, slots=True)
class LimitsRule:
    """The rule: payments as they come, batches and the file at the end."""

    id: str = "limits"
    reason: str = "AM14"
    severity: Severity = Severity.ERROR
    level: Level = Level.PAYMENT
    remedy: str = _REMEDY
    sources: tuple[str, ...] = _SOURCES
    kind: ClassVar[Literal["file"]] = "file"

    def start(self, context: Context) -> Ordered:  # noqa: ARG002  the protocol's
        """Nothing ordered."""
        return Ordered()

    def update(self, state: Ordered, window: Window, context: Context) -> Ordered:
        """Look at one more window's payments, and add them up."""
        limits, payments = context.client.limits, window.payments
        if payments.is_empty():
            return state
        found = (_PAYMENTS.findings(payments, context),) if limits.payment else ()
        sums = (sums_of(payments),) if limits.batch or limits.file else ()
        return Ordered(state.findings + found, state.sums + sums)

    def merge(self, left: Ordered, right: Ordered) -> Ordered:
        """Both parts together."""
        return Ordered(left.findings + right.findings, left.sums + right.sums)

    def finish(self, state: Ordered, context: Context) -> pl.DataFrame:
        """FINDINGS of payments, then of batches, then of the file."""
        limits = context.client.limits
        sums = pl.concat(state.sums) if state.sums else sums_of(empty_payments())
        by_batch = sums.group_by("batch", "currency", maintain_order=True).agg(
            pl.col("batch_id", "line").first(), pl.col("sum_minor").sum()
        )
        by_file = dict(sums.group_by("currency", maintain_order=True).agg(pl.col("sum_minor").sum()).iter_rows())
        return pl.concat(
            [*state.findings, _of_batches(by_batch, limits.batch), above(by_file, limits.file, "The file")]
        )


def empty_payments() -> pl.DataFrame:
    """The columns that `sums_of` reads, without rows."""
    text, whole = pl.String, pl.Int64
    return pl.DataFrame(
        schema={
            "batch": whole,
            "batch_id": text,
            "batch_line": whole,
            "line": whole,
            "currency": text,
            "amount_minor": whole,
        }
    )


def _of_batches(sums: pl.DataFrame, limits_minor: Mapping[str, int]) -> pl.DataFrame:
    rows = [
        {
            **_finding(
                Level.BATCH, "The batch orders", row["currency"], row["sum_minor"], limits_minor[row["currency"]]
            ),
            "batch": row["batch"],
            "batch_id": row["batch_id"],
            "line": row["line"],
        }
        for row in sums.iter_rows(named=True)
        if row["sum_minor"] > limits_minor.get(row["currency"], row["sum_minor"])
    ]
    return conform(pl.DataFrame(rows, schema_overrides={"batch_id": pl.String}), FINDINGS) if rows else empty(FINDINGS)


RULE = LimitsRule()
