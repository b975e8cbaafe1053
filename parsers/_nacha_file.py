"""File header, file control and what is counted over the whole ACH file.

Source: Nacha Operating Rules, Appendix Three: file header record, file control record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import FileHeader
from canonical.frames import TOTALS, dtypes
from parsers._nacha_findings import Fault
from parsers._nacha_layout import BLOCKING_FACTOR, HASH_MODULUS, VERSION
from parsers._nacha_order import Place

_HEADER: Final = Fault(
    "nacha-file-header", "FF01", Severity.ERROR, Level.FILE, "file header",
    "Write 01 at positions 2-3, 094 at 35-37, 10 at 38-39 and 1 at 40 of the file header.",
)  # fmt: skip
_HEADER_DETAIL: Final = Fault(
    "nacha-file-header", "FF01", Severity.WARNING, Level.FILE, "file header",
    "Give the creation date as YYMMDD at positions 24-29 and a file id modifier A-Z or 0-9 at 34.",
)  # fmt: skip
_INCOMPLETE: Final = Fault(
    "nacha-incomplete", "TD03", Severity.FATAL, Level.FILE, "file control",
    "Send the whole file again, closed by batch control and file control records.",
)  # fmt: skip
_BLOCKING: Final = Fault(
    "nacha-blocking", "FF01", Severity.WARNING, Level.FILE, "blocking factor",
    "Fill the last block up to ten records with lines of 94 nines.",
)  # fmt: skip

_FIXED: Final = (
    ("priority code", 1, 3, "01"), ("record size", 34, 37, "094"), ("blocking factor", 37, 39, "10"),
    ("format code", 39, 40, "1"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted so far over the file. Sums in minor units; `control`: line and text of the file control."""

    physical: int = 0
    batches: int = 0
    count: int = 0
    entry_hash: int = 0
    debit_sum: int = 0
    credit_sum: int = 0
    advices: bool = False
    control: tuple[int, str] | None = None

    def plus(self, physical: int, records: pl.DataFrame, headers: pl.DataFrame, entries: pl.DataFrame) -> Counted:
        """The same after one more window."""
        controls = records.filter(pl.col("kind") == "9").head(1)
        sums = entries.select(
            pl.col("rdfi").sum().alias("hash"),
            pl.col("amount").filter(pl.col("direction") == "DBIT").sum().alias("debit"),
            pl.col("amount").filter(pl.col("direction") == "CRDT").sum().alias("credit"),
        ).row(0)
        return replace(
            self,
            physical=self.physical + physical,
            batches=self.batches + headers.height,
            count=self.count + records.filter(pl.col("kind").is_in(["6", "7"])).height,
            entry_hash=self.entry_hash + sums[0],
            debit_sum=self.debit_sum + sums[1],
            credit_sum=self.credit_sum + sums[2],
            advices=self.advices or bool((headers["sec"] == "ADV").any()),
            control=self.control or (None if controls.is_empty() else (controls["line"][0], controls["text"][0])),
        )


def _header_record(records: pl.DataFrame) -> tuple[int, str] | None:
    first = records.filter(pl.col("kind") == "1").head(1)
    return None if first.is_empty() else (first["line"][0], first["text"][0])


def file_header(records: pl.DataFrame) -> FileHeader:
    """What the file header says. An ACH file has no message id: origin, creation and modifier together name it."""
    record = _header_record(records)
    if record is None:
        return FileHeader("nacha", VERSION)
    text = record[1]
    origin, day, time, modifier = text[13:23].strip(), text[23:29], text[29:33], text[33:34]
    message_id = "-".join(part for part in (origin, f"{day}{time}".strip(), modifier.strip()) if part)
    name = text[63:86].strip() or origin
    return FileHeader("nacha", VERSION, message_id or None, _created(day, time), name or None)


def _date(day: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(f"20{day}", "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


def _created(day: str, time: str) -> str | None:
    date = _date(day)
    if date is None:
        return f"{day}{time}".strip() or None
    minutes = time.isascii() and time.isdigit() and time[:2] < "24" and time[2:] < "60"
    return f"{date.isoformat()}T{time[:2]}:{time[2:]}:00" if minutes else date.isoformat()


def opening_findings(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What is wrong with the file header."""
    record = _header_record(records)
    if record is None:
        return
    line, text = record
    for name, first, last, right in _FIXED:
        if text[first:last] != right:
            yield _HEADER.at(line, f"The {name} is {text[first:last]!r}; {right} is right.", text[first:last])
    if _date(text[23:29]) is None:
        yield _HEADER_DETAIL.at(line, "The file creation date is no date.", text[23:29])
    if not (text[33].isdigit() or "A" <= text[33] <= "Z"):
        yield _HEADER_DETAIL.at(line, "The file id modifier is neither a letter nor a digit.", text[33])


def closing_findings(counted: Counted, place: Place) -> Iterator[pl.DataFrame]:
    """What is missing at the end of the file."""
    if counted.control is None:
        message = "The file has no file control record (type 9): it is not whole."
        if place.marker == "5":
            message = f"The file ends inside batch {place.batches}, without batch control and file control."
        yield _INCOMPLETE.at(None, message)
    if counted.physical % BLOCKING_FACTOR:
        yield _BLOCKING.at(None, f"The file has {counted.physical} records, which is no multiple of {BLOCKING_FACTOR}.")


def file_totals(counted: Counted) -> pl.DataFrame:
    """Rows of TOTALS that the file control declares; none where there is no file control."""
    schema = dtypes(TOTALS)
    if counted.control is None:
        return pl.DataFrame(schema=schema)
    line, text = counted.control
    width = 20 if counted.advices else 12
    parts = (
        ("batches", "batch count", text[1:7], counted.batches),
        ("blocks", "block count", text[7:13], -(-counted.physical // BLOCKING_FACTOR)),
        ("count", "entry/addenda count", text[13:21], counted.count),
        ("entry_hash", "entry hash", text[21:31], counted.entry_hash % HASH_MODULUS),
        ("debit_sum", "total debit amount", text[31 : 31 + width], counted.debit_sum),
        ("credit_sum", "total credit amount", text[31 + width : 31 + 2 * width], counted.credit_sum),
    )
    rows = [
        {
            "level": "file", "line": line, "field": f"file control: {name}", "measure": measure,
            "declared_text": said, "declared": int(said) if said.isascii() and said.isdigit() else None, "found": found,
        }
        for measure, name, said, found in parts
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema)
