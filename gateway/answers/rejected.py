"""The rows of a client's file that come back to be mended: rejected by themselves, or not even read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from canonical.codes import Severity
from canonical.findings import BATCH_IN_DOUBT, OF_BATCH, OF_FILE, OF_PAYMENT, REFUSES
from canonical.plugins import lookup
from gateway.composition import Gateway
from gateway.intake.plain import plain_source
from gateway.intake.reading import asks_to_cancel
from gateway.planning.plans import standing_verdicts

_KEPT: Final = (
    "row", "offset", "length", "batch", "batch_offset", "batch_length", "credit_debit", "amount_minor", "currency",
)  # fmt: skip


def rejected_rows(gateway: Gateway, file: Mapping[str, Any], findings: pl.DataFrame) -> bytes | None:
    """The excerpt of the client's file that holds just what is to be mended in it; None where there is nothing to.

    A file that fell as a whole comes not back, nor does a batch whose totals do not fit: the excerpt has totals of its own, and
    what is missing would be missing in it without a word. Rows that could not be read come back where the format can place them.
    A request to cancel holds no payments. `findings`: FINDINGS that stand of the file.
    """
    if asks_to_cancel(file["format"]):
        return None
    findings = findings.filter(REFUSES)
    fatal, placeless = pl.col("severity") == Severity.FATAL.value, OF_BATCH & pl.col("batch").is_null()
    if not findings.filter(fatal | OF_FILE | placeless).is_empty():
        return None
    found = lookup("parsers", "FORMAT", file["format"])
    kept = _rejected(gateway, file["file_id"], findings)
    if found.facts.unread_back:
        kept = pl.concat([kept, _unread(gateway, file["file_id"])], how="diagonal")
    if kept.is_empty():
        return None
    client = gateway.profiles.client(file["client_id"])
    options = found.options.model_validate(client.format_options.get(found.name, {}))
    with plain_source(gateway, file) as source:
        excerpt: bytes = found.excerpt(source, kept.sort("row"), options)
    return excerpt


def _rejected(gateway: Gateway, file_id: str, findings: pl.DataFrame) -> pl.DataFrame:
    """The rejected payments, without those of batches of which something may be missing."""
    rejected = standing_verdicts(gateway.lake, file_id).filter(pl.col("status") == "RJCT").select("row")
    doubted = findings.filter(BATCH_IN_DOUBT).select("batch")
    kept = [
        part.join(rejected, on="row", how="semi").join(doubted, on="batch", how="anti", maintain_order="left")
        for part in gateway.lake.parts(file_id, "payments", columns=_KEPT)
    ]
    return pl.concat(kept)


def _unread(gateway: Gateway, file_id: str) -> pl.DataFrame:
    """row, line and rule of the rows that became no payment."""
    parsed = gateway.lake.committed(file_id, "parse")
    if parsed is None or not parsed["unreadable"]:
        return pl.DataFrame(schema={"row": pl.Int64, "line": pl.Int64, "rule": pl.String})
    told = gateway.lake.whole(file_id, "findings", "parse").filter(OF_PAYMENT & REFUSES)
    read = pl.concat(list(gateway.lake.parts(file_id, "payments", columns=["row"])))
    return (
        told.join(read, on="row", how="anti")
        .drop_nulls("row")
        .unique("row", keep="first")
        .select("row", "line", "rule")
    )
