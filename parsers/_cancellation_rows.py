"""What a cancellation request asks for, as rows: one a message, batch or payment that is named, in the order of the file."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from canonical.codes import Level
from canonical.frames import CANCELLATIONS, conform, dtypes
from canonical.identifying import NOT_PROVIDED
from canonical.money import amount_minor
from parsers._cancellation_paths import WHY
from parsers._feedback_shapes import Record

_CHUNK_ROWS: Final = 20_000
_LEVELS: Final = {
    "OrgnlGrpInfAndCxl": Level.FILE, "OrgnlGrpInf": Level.FILE,
    "OrgnlPmtInfAndCxl": Level.BATCH, "OrgnlPmtInfAndRvsl": Level.BATCH,
    "TxInf": Level.PAYMENT,
}  # fmt: skip
_HEADERS: Final = frozenset({"Assgnmt", "CtrlData", "GrpHdr"})
_TEXTS: Final = (
    "level", "message_id", "batch_id", "instruction_id", "end_to_end_id", "uetr", "amount", "amount_currency", "reversed",
    "reversed_currency", "whole", "count", "sum", "reason", "reason_text",
)  # fmt: skip
_RAW: Final[dict[str, Any]] = {
    **dict.fromkeys(("order", "line", "under", "batch"), pl.Int64), **dict.fromkeys(_TEXTS, pl.String),
}  # fmt: skip
_BOOLEANS: Final = ("true", "1", "false", "0")


class RequestRows:
    """Gathers the records of one message; turns some ten thousand at a time into columns. `header`: texts of the header."""

    def __init__(self) -> None:
        self.header: dict[str, str] = {}
        self.totals_line = 1
        """Line of the element that declares the file's totals."""
        self.empty_lines: list[int] = []
        """Lines of Undrlyg elements that name nothing."""
        self._frames: list[pl.DataFrame] = []
        self._gathered: list[dict[str, Any]] = []
        self._under = 0

    def add(self, record: Record) -> None:
        """One more record, in the order in which they close."""
        level = _LEVELS.get(record.shape.name)
        if record.shape.name in _HEADERS:
            self.header = {**self.header, **record.values}
            if record.values.keys() & {"count", "sum"}:
                self.totals_line = record.line
        elif level is None:
            # An Undrlyg closes behind everything in it: what was gathered last stands in it, or nothing does.
            if self._under != record.order:
                self.empty_lines.append(record.line)
        else:
            row = _row(record, level)
            self._under = row["under"]
            self._gathered.append(row)
            if len(self._gathered) >= _CHUNK_ROWS:
                self._flush()

    def _flush(self) -> None:
        self._frames.append(pl.from_dicts(self._gathered, schema=_RAW) if self._gathered else pl.DataFrame(schema=_RAW))
        self._gathered.clear()

    def rows(self) -> pl.DataFrame:
        """Every element that names something, with what stands above it, in file order.

        Columns: order, line, level, the texts as written (`flag`: whether all of it is meant); `asked`: it is a request of
        its own, and `position` then counts it; `unclear`: `flag` is no boolean; `whole`, `above_whole`: all of it, or of what holds it, is to be cancelled;
        `named_below`: elements inside it that name something; `amount_minor`, `reversed_minor`.
        """
        self._flush()
        rows = pl.concat(self._frames).sort("order")
        if self.header.get("whole") is not None:
            # pain.007 says in its header that the whole original message is meant.
            of_file = pl.col("level") == Level.FILE.value
            rows = rows.with_columns(whole=pl.when(of_file).then(pl.lit(self.header["whole"])).otherwise("whole"))
        return _asked(_with_above(rows))


def _row(record: Record, level: Level) -> dict[str, Any]:
    """A record as a row. `under`: order of the Undrlyg it stands in, 0 where the message has none; `batch`: of its batch."""
    batch = next(
        (item for item in (record, record.parent) if item and _LEVELS.get(item.shape.name) is Level.BATCH), None
    )
    top = batch or record
    under = top.parent.order if top.parent is not None and top.parent.shape.name == "Undrlyg" else 0
    why = [item.values for name in sorted(WHY) for item in record.children.get(name, [])]
    texts = [item["text"].replace("\n", " ") for item in why if "text" in item]
    values: dict[str, Any] = {name: record.values[name] for name in _TEXTS if name in record.values}
    return {
        **values, "order": record.order, "line": record.line, "under": under, "batch": batch.ordinal if batch else None,
        "level": level.value, "reason": next((item["reason"] for item in why if "reason" in item), None),
        "reason_text": "; ".join(texts) or None,
    }  # fmt: skip


def _with_above(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with what their batch and message say of them, and the number of rows below each."""
    is_file, is_batch = (pl.col("level") == level.value for level in (Level.FILE, Level.BATCH))
    said = ("message_id", "whole", "reason", "reason_text")
    files = rows.filter(is_file).unique("under", keep="first").select(
        "under", *(pl.col(name).alias(f"file_{name}") for name in said)
    )  # fmt: skip
    batches = rows.filter(is_batch).select(
        "batch", batch_batch_id="batch_id", **{f"batch_{name}": pl.col(name) for name in said}
    )
    below_file = rows.filter(~is_file).group_by("under").agg(below_file=pl.len())
    below_batch = rows.filter(~is_file & ~is_batch).group_by("batch").agg(below_batch=pl.len())
    wide = (
        rows.join(files, on="under", how="left", maintain_order="left")
        .join(batches, on="batch", how="left", maintain_order="left")
        .join(below_file, on="under", how="left", maintain_order="left")
        .join(below_batch, on="batch", how="left", maintain_order="left")
    )
    below = pl.when(is_file).then("below_file").when(is_batch).then("below_batch")
    return wide.with_columns(named_below=below.fill_null(0).cast(pl.Int64))


def _asked(wide: pl.DataFrame) -> pl.DataFrame:
    is_file, is_batch = (pl.col("level") == level.value for level in (Level.FILE, Level.BATCH))
    is_payment = ~is_file & ~is_batch
    above_whole = (~is_file & _yes("file_whole")) | (is_payment & _yes("batch_whole"))
    told = wide.with_columns(
        whole=_yes("whole"),
        flag="whole",
        unclear=pl.col("whole").is_not_null() & ~pl.col("whole").is_in(_BOOLEANS),
        above_whole=above_whole,
        below_message_id=pl.when(~is_file).then("batch_message_id"),
        message_id=pl.coalesce("message_id", "batch_message_id", "file_message_id"),
        batch_id=pl.coalesce("batch_id", "batch_batch_id"),
        end_to_end_id=pl.when(pl.col("end_to_end_id") != NOT_PROVIDED).then("end_to_end_id"),
        reason=pl.coalesce("reason", "batch_reason", "file_reason"),
        reason_text=pl.coalesce("reason_text", "batch_reason_text", "file_reason_text"),
        amount_minor=amount_minor(pl.col("amount"), pl.col("amount_currency")),
        reversed_minor=amount_minor(pl.col("reversed"), pl.col("reversed_currency")),
    )
    asked = is_payment | pl.col("whole") | pl.col("unclear") | (pl.col("named_below") == 0)
    return told.with_columns(asked=asked).with_columns(
        position=pl.when("asked").then(pl.col("asked").cast(pl.Int64).cum_sum())
    )


def _yes(name: str) -> pl.Expr:
    """Boolean of an XML Schema boolean, false where nothing (or no boolean) is said."""
    return pl.col(name).is_in(["true", "1"]).fill_null(value=False)


def requests(rows: pl.DataFrame) -> pl.DataFrame:
    """CANCELLATIONS of the rows that are requests."""
    taken_back = pl.col("reversed_minor").is_not_null() & pl.col("amount_minor").is_null()
    asked = rows.filter("asked").with_columns(
        original_message_id="message_id", original_batch_id="batch_id", original_instruction_id="instruction_id",
        original_end_to_end_id="end_to_end_id", original_uetr="uetr",
        amount_minor=pl.coalesce("amount_minor", "reversed_minor"),
        currency=pl.when(taken_back).then("reversed_currency").when(pl.col("amount_minor").is_not_null()).then("amount_currency"),
    )  # fmt: skip
    return conform(asked.select(dtypes(CANCELLATIONS).keys()), CANCELLATIONS)
