"""What was found of payments in one line each; of one without a fault of its own what was wrong with its batch, or with the file."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from canonical.codes import Level, Severity
from canonical.sentences import one_after_another, said_as


@dataclass(frozen=True, slots=True)
class Inherited:
    """By rule and batch, and by rule: `above_message` (which says where) and `above_remedy`."""

    of_batch: pl.DataFrame
    of_file: pl.DataFrame


def own_words(findings: pl.DataFrame) -> pl.DataFrame:
    """The findings of each payment in one line: row, message, remedy, and `wrong`: whether one of them is no warning."""
    warns = pl.col("severity") == Severity.WARNING.value
    graver = findings.sort(warns, maintain_order=True)
    return graver.filter(pl.col("row").is_not_null()).group_by("row", maintain_order=True).agg(
        one_after_another(said_as(warns)), pl.col("remedy").unique(maintain_order=True).str.join(" "), wrong=(~warns).any()
    )  # fmt: skip


def inherited(findings: pl.DataFrame) -> Inherited:
    """What payments may have inherited. `findings`: FINDINGS of a file; warnings refuse nothing."""
    errors = findings.filter(pl.col("severity") != Severity.WARNING.value)
    level = pl.col("level")
    batches = errors.drop_nulls("batch").sort(level != Level.BATCH.value, maintain_order=True)
    files = errors.sort(level != Level.FILE.value, maintain_order=True)
    return Inherited(
        batches.unique(["rule", "batch"], keep="first", maintain_order=True).select(
            "rule", "batch", batch_message=_said("With its batch"), batch_remedy="remedy"
        ),
        files.unique("rule", keep="first", maintain_order=True).select(
            "rule", file_message=_said("With the file"), file_remedy="remedy"
        ),
    )


def _said(of: str) -> pl.Expr:
    """With its batch (line 7): the message."""
    where = pl.format(" (line {})", "line").fill_null("")
    return pl.format("{}{}: {}", pl.lit(of), where, "message")


def with_inherited(told: pl.DataFrame, above: Inherited) -> pl.DataFrame:
    """`told` (rule and batch of refused payments) with `above_message` and `above_remedy`, the batch's before the file's."""
    joined = told.join(above.of_batch, on=["rule", "batch"], how="left", maintain_order="left").join(
        above.of_file, on="rule", how="left", maintain_order="left"
    )
    both = (pl.coalesce(f"batch_{name}", f"file_{name}").alias(f"above_{name}") for name in ("message", "remedy"))
    return joined.with_columns(both).drop("batch_message", "batch_remedy", "file_message", "file_remedy")
