"""Statuses of a pain.002 as rows: one for each status that the message states of a group, a batch or a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from canonical.codes import CreditDebit, Level, Severity
from canonical.frames import FINDINGS, STATUSES, conform, dtypes
from canonical.money import amount_minor
from parsers._feedback_pain002_paths import BATCH
from parsers._feedback_shapes import Record

_CHUNK_ROWS: Final = 20_000
_DIFFERS: Final = "PART"
"""Says that the payments below differ: never inherited by one of them."""
_LEVELS: Final = {"OrgnlGrpInfAndSts": Level.FILE, "OrgnlPmtInfAndSts": Level.BATCH, "TxInfAndSts": Level.PAYMENT}
_TRACES: Final = ("trace", "servicer_reference", "clearing_reference")
_TEXTS: Final = (
    "level", "original_batch_id", "original_instruction_id", "original_end_to_end_id", "status", "reason", "reason_text",
    "amount", "amount_currency", "trace",
)  # fmt: skip
_RAW: Final[dict[str, Any]] = {
    **dict.fromkeys(("order", "line", "batch", "row"), pl.Int64), **dict.fromkeys(_TEXTS, pl.String),
}  # fmt: skip


class StatusRows:
    """Gathers the records of one message; turns some ten thousand at a time into columns."""

    def __init__(self) -> None:
        self.header: dict[str, str] = {}
        self._group: dict[str, str] = {}
        self._frames: list[pl.DataFrame] = []
        self._gathered: list[dict[str, Any]] = []

    def add(self, record: Record) -> None:
        """One more record, in the order in which they close."""
        level = _LEVELS.get(record.shape.name)
        if level is None:
            self.header = record.values
            return
        if level is Level.FILE:
            self._group = record.values
        batch = next((item for item in (record, record.parent) if item is not None and item.shape is BATCH), None)
        row: dict[str, Any] = {
            "original_batch_id": batch.values.get("original_batch_id") if batch else None,
            "batch": batch.ordinal if batch else None,
            **record.values,
            "order": record.order, "line": record.line, "level": level.value,
            "row": record.ordinal if level is Level.PAYMENT else None,
            "trace": next((record.values[key] for key in _TRACES if key in record.values), None),
            **_reasons(record),
        }  # fmt: skip
        if level is Level.PAYMENT and "status" not in row:
            row["status"] = self._inherited(batch)
        self._gathered.append(row)
        if len(self._gathered) >= _CHUNK_ROWS:
            self._flush()

    def _inherited(self, batch: Record | None) -> str | None:
        """The status above a transaction that states none: it is the transaction's, unless it says that they differ."""
        above = batch.values.get("status") if batch else None
        above = above or self._group.get("status")
        return None if above == _DIFFERS else above

    def _flush(self) -> None:
        frame = pl.from_dicts(self._gathered, schema=_RAW) if self._gathered else pl.DataFrame(schema=_RAW)
        self._frames.append(
            frame.with_columns(amount_minor(pl.col("amount"), pl.col("amount_currency")).alias("amount_minor"))
        )
        self._gathered.clear()

    def _rows(self) -> pl.DataFrame:
        self._flush()
        return pl.concat(self._frames).sort("order")

    def statuses(self) -> pl.DataFrame:
        """STATUSES in file order. What names no status has no row."""
        stated = self._rows().filter(pl.col("status").is_not_null())
        kept = [name for name in dtypes(STATUSES) if name in stated.columns]
        return conform(
            stated.select(
                *kept,
                position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
                kind=pl.lit("status"),
                original_message_id=pl.lit(self._group.get("original_message_id"), dtype=pl.String),
                currency=pl.when(pl.col("amount_minor").is_not_null()).then("amount_currency"),
                # pain.001 pays; a report on pain.008 speaks of collections.
                credit_debit=pl.lit(_DIRECTIONS.get(self._group.get("message_name", "")[:8]), dtype=pl.String),
            ),
            STATUSES,
        )

    def findings(self) -> pl.DataFrame:
        """FINDINGS of transactions without a status, and of amounts that are none."""
        return pl.concat(_findings(self._rows())).select(dtypes(FINDINGS).keys())


_DIRECTIONS: Final = {"pain.001": CreditDebit.CRDT.value, "pain.008": CreditDebit.DBIT.value}


def _reasons(record: Record) -> dict[str, str]:
    """`reason`: the first one stated. `reason_text`: all texts, those of further reasons behind their codes."""
    said = [item.values for item in record.children.get("StsRsnInf", [])]
    codes = [item["reason"] for item in said if "reason" in item]
    texts = []
    for item in said:
        code = item.get("reason")
        words = item.get("text", "").replace("\n", " ")
        if code is not None and code != codes[0]:
            words = f"{code}: {words}" if words else code
        texts.append(words)
    text = "; ".join(words for words in texts if words)
    return {**({"reason": codes[0]} if codes else {}), **({"reason_text": text} if text else {})}


def _findings(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    checks = (
        (pl.col("status").is_null() & (pl.col("level") == Level.PAYMENT.value), "pain002-status", "CH21", "TxInfAndSts/TxSts",
         pl.lit(None, dtype=pl.String), "The transaction has no status, and none above it says what becomes of it.",
         "Ask the provider for its status; until then the payment keeps the one it has."),
        (pl.col("amount").is_not_null() & pl.col("amount_minor").is_null(), "pain002-amount", "AM12",
         "OrgnlTxRef/Amt/InstdAmt", pl.col("amount").str.head(60), "The original amount is no amount of its currency.",
         "Tell the provider. The status is taken by its references alone."),
    )  # fmt: skip
    for broken, rule, reason, place, value, message, remedy in checks:
        yield rows.filter(broken).select(
            "line", "batch", "row", rule=pl.lit(rule), reason=pl.lit(reason), severity=pl.lit(Severity.WARNING.value),
            level=pl.lit(Level.PAYMENT.value), batch_id="original_batch_id", end_to_end_id="original_end_to_end_id",
            field=pl.lit(place), value=value, message=pl.lit(message), remedy=pl.lit(remedy),
        )  # fmt: skip
