"""The batches and transactions of a pain.002 as rows of XML. A batch opens at its first row and closes at its last."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import ANSWER_DTYPES, Answer
from canonical.frames import FINDINGS, dtypes
from canonical.limits import IDENTIFICATION_CHARS_MAX
from exporters._iso_xml import leaf, leaves, node, text

SLICE_ROWS: Final = 50_000
_INFO_CHARS_MAX: Final = 105
_NOT_PROVIDED: Final = "NOTPROVIDED"
_REPLACEMENT: Final = "\ufffd"
FORBIDDEN: Final = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ufffe\uffff]"
"""Characters that XML 1.0 cannot hold (section 2.2): what a client sent may hold them."""
_REFUSED: Final = ("RJCT", "CANC")
_EXCEPTIONS: Final = (*_REFUSED, "ACWC")
_BACKWARDS: Final = ("PDNG", "RCVD", "ACTC", "ACWC", "ACCP", "ACSP", "ACSC")
"""Where statuses differ and none is refused, the first of these tells of all: nothing is promised too early."""
_IN_03: Final = {"CANC": "RJCT", "RCVD": "PDNG"}
"""TransactionIndividualStatus3Code of version .03 has neither."""
_AMOUNT: Final = r"^[0-9]{1,13}(\.[0-9]{1,5})?$"
"""Sure to be ActiveOrHistoricCurrencyAndAmount: at most 18 digits, 5 of them decimals."""


def legible(value: pl.Expr) -> pl.Expr:
    """The text with a sign (U+FFFD) in place of each character that XML cannot hold."""
    return value.str.replace_all(FORBIDDEN, _REPLACEMENT)


def identification(value: pl.Expr) -> pl.Expr:
    """Max35Text of a client's own reference: one that is too long is cut, which only a rejected one can be."""
    kept = legible(value).str.strip_chars(" \t\r\n").str.head(IDENTIFICATION_CHARS_MAX)
    return kept.replace("", None)


def told_status(status: pl.Expr, version: str) -> pl.Expr:
    """The status in the code set of the version."""
    return status.replace(_IN_03) if version.endswith(".03") else status


def lines_of_info(value: pl.Expr) -> pl.Expr:
    """Text cut into lines of at most 105 characters (Max105Text), at blanks where there are any."""
    flat = legible(value).str.replace_all(r"\s+", " ").str.strip_chars(" ")
    cut = rf"(.{{1,{_INFO_CHARS_MAX}}})(?: |$)|(.{{{_INFO_CHARS_MAX}}})"
    return flat.str.replace_all(cut, "${1}${2}\n").str.strip_chars("\n")


def reason_xml(reason: pl.Expr, info: pl.Expr) -> pl.Expr:
    """`<StsRsnInf>`: Rsn/Cd (Prtry where it is no code of four characters) and AddtlInf, null where there is neither."""
    known = legible(reason).str.head(IDENTIFICATION_CHARS_MAX)
    is_code = known.str.len_chars() <= 4  # noqa: PLR2004 ExternalStatusReason1Code
    code = leaf("Cd", pl.when(is_code).then(known))
    proprietary = leaf("Prtry", pl.when(~is_code).then(known))
    return node("StsRsnInf", node("Rsn", code, proprietary), leaves("AddtlInf", text(lines_of_info(info))))


def answer_rows(answer: Answer, version: str, *, exceptions_only: bool) -> pl.DataFrame:
    """ANSWER rows to be written, in order of batch and row, with `opening` and `closing` XML of their batches.

    A batch of which no row is written, or that has none, stands as one row with null `row`.
    """
    rows = answer.rows.select(pl.col(name).cast(dtype) for name, dtype in ANSWER_DTYPES.items()).with_columns(
        pl.col("batch").fill_null(1), told_status(pl.col("status"), version)
    )
    batches = _batches(rows, answer.findings)
    kept = (
        rows.filter(pl.col("status").is_in(_EXCEPTIONS) | pl.col("reason").is_not_null()) if exceptions_only else rows
    )
    bare = batches.join(kept, on="batch", how="anti").select("batch")
    every = pl.concat([kept, bare], how="diagonal").sort("batch", "row", maintain_order=True)
    placed = every.join(batches.select("batch", "opening"), on="batch", how="left", maintain_order="left")
    first = pl.col("batch") != pl.col("batch").shift(1)
    last = pl.col("batch") != pl.col("batch").shift(-1)
    return placed.with_columns(
        opening=pl.when(first.fill_null(value=True)).then("opening"),
        closing=pl.when(last.fill_null(value=True)).then(pl.lit("</OrgnlPmtInfAndSts>")),
    )


def row_xml() -> pl.Expr:
    """XML of a row of `answer_rows`."""
    return pl.concat_str(pl.col("opening"), _transaction(), pl.col("closing"), pl.lit(""), ignore_nulls=True)


def _transaction() -> pl.Expr:
    place = pl.when(pl.col("reason").is_not_null()).then(
        pl.concat_str(
            pl.format("Row {}", "row"), pl.format(", line {}", "line"), pl.lit(": "), ignore_nulls=True
        )
    )  # fmt: skip
    words = pl.concat_str("message", "remedy", separator=" ", ignore_nulls=True)
    # Telling the place alone would say nothing.
    info = pl.when(words != "").then(pl.concat_str(place, words, ignore_nulls=True))
    amount_told = pl.col("amount_text").str.contains(_AMOUNT) & pl.col("currency").str.contains("^[A-Z]{3}$")
    amount = pl.when(amount_told).then(
        pl.format('<OrgnlTxRef><Amt><InstdAmt Ccy="{}">{}</InstdAmt></Amt></OrgnlTxRef>', "currency", "amount_text")
    )
    parts = (
        leaf("OrgnlInstrId", identification(pl.col("instruction_id"))),
        leaf("OrgnlEndToEndId", identification(pl.col("end_to_end_id"))),
        leaf("TxSts", pl.col("status")),
        reason_xml(pl.col("reason"), info),
        amount,
    )
    return pl.when(pl.col("row").is_not_null()).then(node("TxInfAndSts", *parts))


# ---------------------------------------------------------------------------------------------- batches


def _batches(rows: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """batch, opening: the start of OrgnlPmtInfAndSts up to its transactions."""
    told = _batch_findings(findings)
    counted = rows.group_by("batch").agg(
        pl.col("batch_id").first(), pl.len().cast(pl.String).alias("count"), combined(pl.col("status")).alias("status")
    )
    counts = (
        rows.group_by("batch", "status").len().sort("batch", "status")
        .group_by("batch", maintain_order=True).agg(counts_xml().str.join("").alias("counts"))
    )  # fmt: skip
    joined = counted.join(counts, on="batch", how="left").join(told, on="batch", how="full", coalesce=True)
    batch_id = identification(pl.coalesce("batch_id", "batch_id_found")).fill_null(_NOT_PROVIDED)
    opening = pl.concat_str(
        pl.lit("<OrgnlPmtInfAndSts>"),
        leaf("OrgnlPmtInfId", batch_id),
        leaf("OrgnlNbOfTxs", pl.col("count")),
        # A batch without payments is there because something is wrong with it.
        leaf("PmtInfSts", pl.col("status").fill_null("RJCT")),
        pl.col("reasons"),
        pl.col("counts"),
        ignore_nulls=True,
    )
    return joined.select("batch", opening=opening).sort("batch")


def _batch_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """batch, batch_id_found, reasons: errors that stand on a batch."""
    on_batch = findings.select(pl.col(name).cast(dtype) for name, dtype in dtypes(FINDINGS).items()).filter(
        (pl.col("level") == Level.BATCH) & (pl.col("severity") != Severity.WARNING) & pl.col("batch").is_not_null()
    )
    info = pl.concat_str("message", "remedy", separator=" ")
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
