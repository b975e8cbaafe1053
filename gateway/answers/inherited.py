"""What was found of payments in one line each; of one without a fault of its own what was wrong with its batch, or with the file."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from canonical.codes import Level
from canonical.findings import REFUSES, WARNS
from canonical.sentences import and_then, one_after_another, said_as
from gateway.composition import Gateway
from gateway.planning.plans import standing_findings, standing_verdicts


@dataclass(frozen=True, slots=True)
class Inherited:
    """By rule and batch, and by rule: `above_message` (which says where) and `above_remedy`."""

    of_batch: pl.DataFrame
    of_file: pl.DataFrame


def own_words(findings: pl.DataFrame) -> pl.DataFrame:
    """The findings of each payment in one line: row, message, remedy, and `wrong`: whether one of them is no warning."""
    graver = findings.sort(WARNS, maintain_order=True)
    return graver.filter(pl.col("row").is_not_null()).group_by("row", maintain_order=True).agg(
        one_after_another(said_as(WARNS)), pl.col("remedy").unique(maintain_order=True).str.join(" "), wrong=REFUSES.any()
    )  # fmt: skip


def inherited(findings: pl.DataFrame) -> Inherited:
    """What payments may have inherited. `findings`: FINDINGS of a file; warnings refuse nothing."""
    errors = findings.filter(REFUSES)
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


def why(refused: pl.Expr) -> dict[str, pl.Expr]:
    """`message` and `remedy`: of a refused payment without a fault of its own first what was wrong above it."""
    inherits = refused & ~pl.col("wrong").fill_null(value=False)
    return {name: and_then(pl.when(inherits).then(f"above_{name}"), pl.col(name)) for name in ("message", "remedy")}


def refusals(gateway: Gateway, file_id: str, payment_ids: pl.Series) -> pl.DataFrame:
    """payment_id, reason, message, remedy of these payments of a file, which were refused here."""
    refused = standing_verdicts(gateway.lake, file_id).filter(pl.col("payment_id").is_in(payment_ids.implode()))
    placed = pl.concat(
        part.join(refused, on="row", how="inner", maintain_order="left")
        for part in gateway.lake.parts(file_id, "payments", columns=["row", "batch"])
    )
    findings = standing_findings(gateway, file_id)
    told = placed.join(own_words(findings), on="row", how="left", maintain_order="left")
    told = with_inherited(told, inherited(findings))
    return told.select("payment_id", "reason", **why(pl.lit(value=True)))
