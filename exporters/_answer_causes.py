"""What is wrong with a file, each cause once: five thousand payments with one fault are one cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from canonical.codes import Level
from canonical.contracts import ANSWER_DTYPES, Answer
from canonical.findings import REFUSES, WARNS
from canonical.frames import FINDINGS, conform
from exporters._answer_words import REFUSED, canonical_of, heading_of

_LEVELS: Final = {Level.FILE.value: 0, Level.BATCH.value: 1, Level.PAYMENT.value: 2}
_KEY: Final = ("warning", "level", "rule", "reason", "field")
_ROW: Final = {
    "row": pl.Int64, "line": pl.Int64, "batch_id": pl.String, "end_to_end_id": pl.String, "message": pl.String,
    "remedy": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong, with all that it is wrong with.

    `found`: by a rule in the client's row, not told by a bank or a person. `message`, `remedy`: None where they differ from row to row. `field`: in the client's terms; `column`: the canonical
    one. `cases`: findings (or payments) in all. `rows`: the first of them in file order, with row, line, batch_id,
    end_to_end_id, message and remedy.
    """

    warning: bool
    found: bool
    level: str
    reason: str
    field: str
    column: str
    message: str | None
    remedy: str | None
    cases: int
    rows: pl.DataFrame


def causes_of(answer: Answer, rows_max: int) -> list[Cause]:
    """Causes, those of the file before those of batches and payments, errors before warnings, the most frequent first."""
    if answer.duplicate_of is not None:
        return []
    findings = conform(answer.findings, FINDINGS).with_columns(warning=WARNS)
    told = pl.concat([findings.select(*_KEY, *_ROW), _later(answer).select(*_KEY, *_ROW)])
    grouped = told.group_by(_KEY, maintain_order=True).agg(
        pl.len().alias("cases"),
        *(
            pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name)
            for name in ("message", "remedy")
        ),
        pl.struct(*_ROW).sort_by("line", "row", maintain_order=True).head(rows_max).alias("rows"),
    )
    rank = pl.col("level").replace_strict(_LEVELS, return_dtype=pl.Int64)
    ordered = grouped.sort("warning", rank, -pl.col("cases").cast(pl.Int64), maintain_order=True)
    return [_cause(one, answer) for one in ordered.iter_rows(named=True)]


def _cause(one: dict[str, Any], answer: Answer) -> Cause:
    field = one["field"] or ""
    return Cause(
        warning=one["warning"],
        found=bool(one["rule"]),
        level=one["level"],
        reason=one["reason"] or "",
        field=heading_of(field, answer.facts.terms),
        column=canonical_of(answer.facts.terms).get(field, field),
        message=one["message"],
        remedy=one["remedy"],
        cases=one["cases"],
        rows=pl.DataFrame(one["rows"], schema=_ROW, orient="row"),
    )


def _later(answer: Answer) -> pl.DataFrame:
    """What a bank or a person refused after the file was checked, in the columns of the findings."""
    rows = answer.rows.select(pl.col(name).cast(dtype) for name, dtype in ANSWER_DTYPES.items())
    refused = rows.filter(pl.col("status").is_in([*REFUSED, "ACWC"]))
    if answer.milestone == "validated":
        refused = refused.filter(pl.col("status") != "RJCT")
    else:
        refused = refused.join(_own_errors(answer), on="row", how="anti")
    return refused.select(
        pl.lit(value=False).alias("warning"), pl.lit(Level.PAYMENT.value).alias("level"), pl.lit("").alias("rule"),
        "reason", pl.lit("").alias("field"), "remedy", "row", "line", "batch_id", "message", "end_to_end_id",
    )  # fmt: skip


def _own_errors(answer: Answer) -> pl.DataFrame:
    own = conform(answer.findings, FINDINGS).filter(pl.col("row").is_not_null() & REFUSES)
    return own.select("row").unique()


def with_others(answer: Answer) -> str:
    """What is said of payments refused on receipt without a fault of their own; nothing where there are none.

    The fault is their batch's, their file's, or one of too many to list.
    """
    if answer.milestone != "validated" or answer.duplicate_of is not None:
        return ""
    refused = answer.rows.lazy().filter(pl.col("status") == "RJCT").select(pl.col("row").cast(pl.Int64)).collect()
    others = refused.join(_own_errors(answer), on="row", how="anti").height
    if others == 1:
        return "1 more payment is refused with the file or the batch it stands in; nothing needs to be mended in it."
    told = "are refused with the file or the batch they stand in; nothing needs to be mended in them."
    return f"{others:,} more payments {told}" if others else ""
