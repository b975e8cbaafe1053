"""Batch ids are used once in a file: an answer or a request to cancel that names one should mean one batch.

A warning, of ISO 20022 files: other formats number their batches themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context, Window
from canonical.frames import FINDINGS, conform, empty
from validators._row import LINE_OF_BATCH

_SOURCES: Final = (
    "ISO 20022 PmtInf/PmtInfId: unambiguously identifies the payment information group within the message",
)
Batches = tuple[pl.DataFrame, ...]
"""State: batch, batch_id and line of the batches of each window."""


@dataclass(frozen=True, slots=True)
class BatchIdUnique:
    """The rule: each repeat is told with the batch that had the id first."""

    id: str = "batch_id_unique"
    reason: str = "DU02"
    severity: Severity = Severity.WARNING
    level: Level = Level.BATCH
    remedy: str = "Give each batch an id of its own."
    sources: tuple[str, ...] = _SOURCES
    kind: ClassVar[Literal["file"]] = "file"

    def start(self, context: Context) -> Batches:  # noqa: ARG002  the protocol's
        """Nothing seen."""
        return ()

    def update(self, state: Batches, window: Window, context: Context) -> Batches:
        """Note the batches of one more window."""
        if not context.facts.iso or window.payments.is_empty():
            return state
        begins = pl.col("batch").ne_missing(pl.col("batch").shift(1))
        return (*state, window.payments.filter(begins).select("batch", "batch_id", line=LINE_OF_BATCH))

    def merge(self, left: Batches, right: Batches) -> Batches:
        """Both parts, in file order."""
        return left + right

    def finish(self, state: Batches, context: Context) -> pl.DataFrame:  # noqa: ARG002  the protocol's
        """FINDINGS: one for every batch whose id stood before."""
        if not state:
            return empty(FINDINGS)
        # A batch may go on from one window to the next.
        batches = pl.concat(state).unique("batch", keep="first", maintain_order=True)
        named = batches.filter(pl.col("batch_id").str.strip_chars() != "")
        first = named.select(pl.col("batch", "line").first().over("batch_id").name.prefix("first_"))
        again = named.hstack(first).filter(pl.col("batch") != pl.col("first_batch"))
        return conform(
            again.select(
                "batch", "batch_id", "line", rule=pl.lit(self.id), reason=pl.lit(self.reason),
                severity=pl.lit(self.severity.value), level=pl.lit(self.level.value), field=pl.lit("batch_id"),
                value=pl.col("batch_id").str.head(60),
                message=pl.format(
                    "Batch id “{}” stands in batch {} (line {}) too: who names it may mean either",
                    pl.col("batch_id").str.head(60), "first_batch", "first_line",
                ),
                remedy=pl.lit(self.remedy),
            ),
            FINDINGS,
        )  # fmt: skip


RULE = BatchIdUnique()
