"""Statuses, returns and cancellations of a message as rows: one for each that it states of a group, a batch or a transaction."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from canonical.codes import CreditDebit, Level
from canonical.frames import FINDINGS, STATUSES, conform, dtypes
from canonical.money import amount_minor
from parsers._feedback_shapes import Record
from parsers._feedback_status_findings import count_findings, row_findings, silence_findings
from parsers._feedback_status_paths import StatusMessage

_CHUNK_ROWS: Final = 20_000
_DIFFER: Final = ("PART", "PACR", "PECR")
"""Say that the payments below differ: never inherited by one of them."""
_TRACES: Final = ("trace", "servicer_reference", "clearing_reference")
_AMOUNTS: Final = ("instructed", "interbank", "returned", "charges")
_TEXTS: Final = (
    "level", "original_message_id", "message_name", "original_batch_id", "original_instruction_id", "original_end_to_end_id",
    "original_transaction_id", "original_uetr", "status", "reason", "reason_text", "trace", "clearing_reference", "case_id",
    "settlement", *_AMOUNTS, *(f"{name}_currency" for name in _AMOUNTS),
)  # fmt: skip
_RAW: Final[dict[str, Any]] = {
    **dict.fromkeys(("order", "line", "batch", "row"), pl.Int64), **dict.fromkeys(_TEXTS, pl.String),
}  # fmt: skip
_DIRECTIONS: Final = {
    "pain.001": CreditDebit.CRDT.value, "pacs.008": CreditDebit.CRDT.value, "pacs.009": CreditDebit.CRDT.value,
    "pain.008": CreditDebit.DBIT.value, "pacs.003": CreditDebit.DBIT.value,
}  # fmt: skip
"""A report on collections speaks of collections."""


class StatusRows:
    """Gathers the records of one message; turns some ten thousand at a time into columns."""

    def __init__(self, of: StatusMessage) -> None:
        self.header: dict[str, str] = {}
        self._of = of
        self._groups: list[Record] = []
        self._overall: Record | None = None
        self._frames: list[pl.DataFrame] = []
        self._gathered: list[dict[str, Any]] = []

    def add(self, record: Record) -> None:
        """One more record, in the order in which they close."""
        level = self._of.levels.get(record.shape.name)
        if level is None:
            # A file of CBI holds several messages, each with groups of its own.
            self.header, self._groups = record.values, []
        elif record.shape.name == self._of.overall:
            self._overall = record
        else:
            if level is Level.FILE:
                self._groups.append(record)
            self._gather(record, level)

    def _gather(self, record: Record, level: Level) -> None:
        batch = next(
            (item for item in (record, record.parent) if item and self._of.levels.get(item.shape.name) is Level.BATCH),
            None,
        )
        row: dict[str, Any] = {
            **self._of_group(record),
            **(_of_batch(batch) if batch else {}),
            **record.values,
            "order": record.order, "line": record.line, "level": level.value,
            "batch": batch.ordinal if batch else None,
            "row": record.ordinal if level is Level.PAYMENT else None,
            "trace": next((record.values[key] for key in _TRACES if key in record.values), None),
            **(_reasons(record) or (_reasons(self._overall) if self._overall else {})),
            **_charges(record),
        }  # fmt: skip
        if level is Level.PAYMENT and "status" not in row:
            row |= self._inherited(batch, reasoned="reason" in row)
        self._gathered.append(row)
        if len(self._gathered) >= _CHUNK_ROWS:
            self._flush()

    def _of_group(self, record: Record) -> dict[str, str]:
        """What the one group says for all; of several groups a transaction says itself which one it is of."""
        spoken = self._groups or ([self._overall] if self._overall else [])
        if record in spoken or len(spoken) != 1:
            return {}
        return {
            key: spoken[0].values[key] for key in ("original_message_id", "message_name") if key in spoken[0].values
        }

    def _inherited(self, batch: Record | None, *, reasoned: bool) -> dict[str, str | None]:
        """The status above a transaction that states none, unless it says that they differ; with its reasons, if the transaction has none."""
        above = next(
            (item for item in (batch, *self._groups[-1:], self._overall) if item and "status" in item.values), None
        )
        told = above.values["status"] if above else self._of.status
        if told in _DIFFER:
            return {"status": None}
        return {"status": told, **(_reasons(above) if above and not reasoned else {})}

    def _flush(self) -> None:
        frame = pl.from_dicts(self._gathered, schema=_RAW) if self._gathered else pl.DataFrame(schema=_RAW)
        self._frames.append(_with_amounts(frame, self.header.get("settlement")))
        self._gathered = []

    def _rows(self) -> pl.DataFrame:
        if self._overall and not self._frames and not self._gathered:
            self._gather_overall(self._overall)
        self._flush()
        self._frames = [pl.concat(self._frames).sort("order")]
        return self._frames[0]

    def _gather_overall(self, record: Record) -> None:
        """The whole message, where nothing in it speaks for itself."""
        status = record.values.get("status", self._of.status)
        returned: dict[str, Any] = {
            key: self.header[key] for key in ("returned", "returned_currency") if key in self.header
        }
        self._gathered.append(
            {**record.values, **returned, **_reasons(record), "status": status, "order": record.order, "line": record.line,
             "level": Level.FILE.value}
        )  # fmt: skip

    def statuses(self, case_id: str | None) -> pl.DataFrame:
        """STATUSES in file order. What names no status has no row. `case_id`: of the whole message."""
        stated = self._rows().filter(pl.col("status").is_not_null())
        kept = [name for name in dtypes(STATUSES) if name in stated.columns and name != "case_id"]
        return conform(
            stated.select(
                *kept,
                position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
                kind=pl.lit(self._of.kind),
                case_id=pl.col("case_id").fill_null(pl.lit(case_id, dtype=pl.String)),
                original_message_name="message_name",
                credit_debit=pl.col("message_name").str.head(8).replace_strict(
                    _DIRECTIONS, default=None, return_dtype=pl.String
                ),
            ),
            STATUSES,
        )  # fmt: skip

    def findings(self) -> pl.DataFrame:
        """FINDINGS of transactions without a status, of amounts that are none, and of declared totals that differ."""
        rows, name = self._rows(), self._of.message.name
        found = [silence_findings(name, rows), *row_findings(name, rows), *count_findings(name, rows, self.header)]
        return pl.concat(found).select(dtypes(FINDINGS).keys())


def _of_batch(batch: Record) -> dict[str, str]:
    keys = ("original_batch_id", "original_message_id", "message_name", "case_id")
    return {key: batch.values[key] for key in keys if key in batch.values}


def _with_amounts(frame: pl.DataFrame, settled: str | None) -> pl.DataFrame:
    """Minor units of the amounts, null where they are none of their currency, and the day of settlement.

    `amount_in`, `returned_in`: the currencies as they stand there, also of amounts that are none.
    """
    minor = {name: amount_minor(pl.col(name), pl.col(f"{name}_currency")) for name in _AMOUNTS}
    told = frame.with_columns(
        *(expression.alias(f"{name}_minor") for name, expression in minor.items()),
        pl.coalesce("settlement", pl.lit(settled, dtype=pl.String)).str.head(10).str.to_date("%Y-%m-%d", strict=False)
        .alias("settlement_date"),
        amount_text=pl.coalesce("instructed", "interbank"),
        returned_in=pl.col("returned_currency"),
    )  # fmt: skip
    own = pl.col("instructed").is_not_null()
    told = told.with_columns(
        amount_minor=pl.when(own).then("instructed_minor").otherwise("interbank_minor"),
        currency=pl.when(own).then("instructed_currency").otherwise("interbank_currency"),
    ).with_columns(amount_in="currency")
    of_charges = pl.coalesce("returned_currency", "currency")
    return told.with_columns(
        pl.when(pl.col("amount_minor").is_not_null()).then("currency").alias("currency"),
        pl.when(pl.col("returned_minor").is_not_null()).then("returned_currency").alias("returned_currency"),
        pl.when(pl.col("charges_currency") == of_charges).then("charges_minor").alias("charges_minor"),
    )


def _reasons(record: Record) -> dict[str, str]:
    """`reason`: the first one stated. `reason_text`: all texts, those of further reasons behind their codes."""
    found = next((items for name, items in record.children.items() if name.endswith("RsnInf")), [])
    said = [item.values for item in found]
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


def _charges(record: Record) -> dict[str, str]:
    """The only charge; several are no one amount here."""
    said = [item.values for item in record.children.get("ChrgsInf", []) if "amount" in item.values]
    if len(said) != 1 or "amount_currency" not in said[0]:
        return {}
    return {"charges": said[0]["amount"], "charges_currency": said[0]["amount_currency"]}
