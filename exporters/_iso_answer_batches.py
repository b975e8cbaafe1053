"""The batches of a pain.002: the start of each OrgnlPmtInfAndSts, up to its transactions."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level
from canonical.contracts import Answer
from canonical.findings import OF_BATCH, REFUSES
from canonical.frames import FINDINGS, TOTALS, dtypes, empty
from canonical.identifying import NOT_PROVIDED
from canonical.sentences import and_then
from exporters._iso_answer_text import identification, reason_xml
from exporters._iso_answer_version import Version
from exporters._iso_xml import leaf, node

_COUNT: Final = r"^[0-9]{1,15}$"
_SUM: Final = r"^[0-9]+(\.[0-9]{1,17})?$"
_DIGITS_MAX: Final = 18
_REFUSED: Final = ("RJCT", "CANC")
_BACKWARDS: Final = ("PDNG", "RCVD", "ACTC", "ACWC", "ACCP", "ACSP", "ACSC")
"""Where statuses differ and none is refused, the first of these tells of all: nothing is promised too early."""


def declared_totals(answer: Answer) -> pl.DataFrame:
    """Of TOTALS the counts and sums that can be said as OrgnlNbOfTxs and OrgnlCtrlSum are.

    ISO defines both by the original message, so that its sender finds the totals of its own books. Other formats count otherwise.
    """
    if not answer.header.format.startswith("pain."):
        return empty(TOTALS)
    written = pl.col("declared_text").str.strip_chars()
    digits = written.str.count_matches("[0-9]")
    count = (pl.col("measure") == "count") & written.str.contains(_COUNT)
    total = (pl.col("measure") == "sum") & written.str.contains(_SUM) & (digits <= _DIGITS_MAX)
    return answer.declared().with_columns(written.alias("declared_text")).filter(count | total)


def batch_openings(rows: pl.DataFrame, answer: Answer, version: Version) -> pl.DataFrame:
    """batch, opening: XML of OrgnlPmtInfAndSts without its end. `rows`: ANSWER rows with batch and the version's statuses."""
    findings = answer.findings
    per_status = rows.group_by("batch", "status").agg(pl.len())
    named = rows.group_by("batch").agg(pl.col("batch_id").first(), pl.len().alias("count"))
    counted = per_status.sort("batch", "status").group_by("batch", maintain_order=True).agg(
        combined(pl.col("status")).alias("status"), counts_xml().str.join("").alias("counts")
    )  # fmt: skip
    joined = named.join(counted, on="batch").join(_batch_findings(findings), on="batch", how="full", coalesce=True)
    batch_id = identification(pl.coalesce("batch_id", "batch_id_found")).fill_null(NOT_PROVIDED)
    said = declared_totals(answer).filter((pl.col("level") == Level.BATCH.value) & (pl.col("measure") == "count"))
    joined = joined.join(said.unique("batch", keep="first").select("batch", "declared_text"), on="batch", how="left")
    count = (
        leaf("OrgnlNbOfTxs", pl.coalesce("declared_text", pl.col("count").cast(pl.String)))
        if version.counts
        else pl.lit("")
    )
    opening = pl.concat_str(
        pl.lit("<OrgnlPmtInfAndSts>"),
        leaf("OrgnlPmtInfId", batch_id),
        count,
        # A batch without payments is there because something is wrong with it.
        leaf("PmtInfSts", pl.col("status").fill_null("RJCT")),
        pl.col("reasons"),
        pl.col("counts") if version.counts else pl.lit(""),
        ignore_nulls=True,
    )
    return joined.select("batch", opening=opening).sort("batch")


def _batch_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """batch, batch_id_found, reasons: errors that stand on a batch."""
    on_batch = findings.select(pl.col(name).cast(dtype) for name, dtype in dtypes(FINDINGS).items()).filter(
        OF_BATCH & REFUSES & pl.col("batch").is_not_null()
    )
    info = and_then(pl.col("message"), pl.col("remedy"))
    return on_batch.group_by("batch", maintain_order=True).agg(
        pl.col("batch_id").first().alias("batch_id_found"),
        reason_xml(pl.col("reason"), info).str.join("").alias("reasons"),
    )


def combined(status: pl.Expr) -> pl.Expr:
    """One status for many: theirs where they agree, PART where some are refused, else the least advanced of them."""
    order = pl.coalesce(
        *(pl.when((status == name).any()).then(pl.lit(name)) for name in _BACKWARDS), status.sort().first()
    )
    refused = status.is_in(_REFUSED).any()
    return pl.when(status.n_unique() == 1).then(status.first()).when(refused).then(pl.lit("PART")).otherwise(order)


def counts_xml() -> pl.Expr:
    """`<NbOfTxsPerSts>` of columns `len` and `status`."""
    return node("NbOfTxsPerSts", leaf("DtldNbOfTxs", pl.col("len").cast(pl.String)), leaf("DtldSts", pl.col("status")))
