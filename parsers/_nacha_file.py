"""File header, file control and what is counted over the whole ACH file.

Source: Nacha Operating Rules, Appendix Three: file header record, file control record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import FileHeader
from canonical.counts import count_of
from canonical.frames import TOTALS, dtypes
from canonical.limits import INT64_MAX
from parsers._nacha_digits import Flags, Integers
from parsers._nacha_findings import Fault
from parsers._nacha_layout import BLOCKING_FACTOR, HASH_MODULUS, VERSION
from parsers._nacha_odd_lines import Harmless
from parsers._nacha_order import Place, Placed

_HEADER: Final = (Severity.ERROR, Level.FILE)
_DETAIL: Final = (Severity.WARNING, Level.FILE)
PRIORITY: Final = Fault("nacha-priority-code", "FF01", *_HEADER, "priority code", "Write 01 at positions 2-3.")
RECORD_SIZE: Final = Fault("nacha-record-size", "FF01", *_HEADER, "record size", "Write 094 at positions 35-37.")
FACTOR: Final = Fault("nacha-blocking-factor", "FF01", *_HEADER, "blocking factor", "Write 10 at positions 38-39.")
FORMAT_CODE: Final = Fault("nacha-format-code", "FF01", *_HEADER, "format code", "Write 1 at position 40.")
DESTINATION: Final = Fault(
    "nacha-destination", "FF01", *_DETAIL, "immediate destination",
    "Give a blank and the nine-digit routing number of the bank that receives the file at positions 4-13.",
)  # fmt: skip
ORIGIN: Final = Fault(
    "nacha-origin",
    "FF01",
    *_DETAIL,
    "immediate origin",
    "Say at positions 14-23 who sends the file, as the bank agreed.",
)
CREATION_DATE: Final = Fault(
    "nacha-creation-date",
    "FF01",
    *_DETAIL,
    "file creation date",
    "Give the creation date as YYMMDD at positions 24-29.",
)
MODIFIER: Final = Fault(
    "nacha-file-id-modifier", "FF01", *_DETAIL, "file id modifier", "Give a file id modifier A-Z or 0-9 at position 34."
)
NO_BATCHES: Final = Fault(
    "nacha-no-batches", "FF01", *_DETAIL, "batch count", "Nothing, if you meant to send no payments."
)
INCOMPLETE: Final = Fault(
    "nacha-incomplete", "TD03", Severity.FATAL, Level.FILE, "file control",
    "Send the whole file again, closed by batch control and file control records.",
)  # fmt: skip
BLOCKING: Final = Fault(
    "nacha-blocking",
    "FF01",
    *_DETAIL,
    "blocking factor",
    "Fill the last block up to ten records with lines of 94 nines.",
)
FAULTS: Final = (
    PRIORITY, RECORD_SIZE, FACTOR, FORMAT_CODE, DESTINATION, ORIGIN, CREATION_DATE, MODIFIER, NO_BATCHES, INCOMPLETE,
    BLOCKING,
)  # fmt: skip

_FIXED: Final = (
    (PRIORITY, 1, 3, "01"),
    (RECORD_SIZE, 34, 37, "094"),
    (FACTOR, 37, 39, "10"),
    (FORMAT_CODE, 39, 40, "1"),
)
_SIZE: Final = "094101"
"""Record size, blocking factor and format code, at 35-40."""
_SIZE_AT: Final = 34
_MOVED_MAX: Final = 10
_ROUTING_DIGITS: Final = 9
_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)

_CONTROLS_MAX: Final = 1000
_SHOWN_MAX: Final = 4

Summed = Mapping[str, Integers | Flags]
"""For each entry of a window: rdfi, amount, debit, credit, sideless, foreign_trace."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted so far over the file. Sums in minor units; `control`: line and text of the file control.

    `files`: file headers; of more than one, `controls` are all file controls, as far as there are not absurdly many.
    """

    physical: int = 0
    batches: int = 0
    count: int = 0
    entry_hash: int = 0
    debit_sum: int = 0
    credit_sum: int = 0
    sideless_sum: int = 0
    advices: bool = False
    controls: tuple[tuple[int, str], ...] = ()
    files: int = 0
    harmless: Harmless = field(default_factory=Harmless)

    @property
    def control(self) -> tuple[int, str] | None:
        """The first file control."""
        return self.controls[0] if self.controls else None

    def plus(self, here: Placed, physical: int, headers: pl.DataFrame, entries: Summed) -> Counted:
        """The same after one more window."""
        kinds = here.records.kinds
        controls = here.chosen(np.flatnonzero(kinds == ord("9"))[:_CONTROLS_MAX])
        return replace(
            self,
            physical=self.physical + physical,
            batches=self.batches + headers.height,
            count=self.count + int(np.count_nonzero((kinds == ord("6")) | (kinds == ord("7")))),
            entry_hash=self.entry_hash + int(entries["rdfi"].sum()),
            debit_sum=self.debit_sum + int((entries["amount"] * entries["debit"]).sum()),
            credit_sum=self.credit_sum + int((entries["amount"] * entries["credit"]).sum()),
            sideless_sum=self.sideless_sum + int((entries["amount"] * entries["sideless"]).sum()),
            advices=self.advices or bool((headers["sec"] == "ADV").any()),
            controls=(*self.controls, *controls.select("line", "text").iter_rows())[:_CONTROLS_MAX],
            files=self.files + int(np.count_nonzero(kinds == ord("1"))),
            harmless=self.harmless.plus(here.records.harmless),
        )


def _header_record(here: Placed) -> tuple[int, str] | None:
    first = here.chosen(np.flatnonzero(here.records.kinds == ord("1"))[:1])
    return None if first.is_empty() else (first["line"][0], first["text"][0])


def file_header(here: Placed) -> FileHeader:
    """What the file header says. An ACH file has no message id: origin, creation and modifier together name it."""
    record = _header_record(here)
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


def opening_findings(here: Placed) -> Iterator[pl.DataFrame]:
    """What is wrong with the file header."""
    record = _header_record(here)
    if record is None:
        return
    line, text = record
    if moved := _moved(text):
        yield RECORD_SIZE.at(line, f"Record size, blocking factor and format code (094101) stand {moved}.", text[:41])
        return
    for fault, first, last, right in _FIXED:
        if text[first:last] != right:
            yield fault.at(line, f"The {fault.field} is {text[first:last]!r}; {right} is right.", text[first:last])
    if _date(text[23:29]) is None:
        yield CREATION_DATE.at(line, "The file creation date is no date.", text[23:29])
    if not (text[33].isdigit() or "A" <= text[33] <= "Z"):
        yield MODIFIER.at(line, "The file id modifier is neither a letter nor a digit.", text[33])


def _moved(text: str) -> str | None:
    """Where the record size, blocking factor and format code stand instead of their place, and what that comes of."""
    if text[_SIZE_AT : _SIZE_AT + len(_SIZE)] == _SIZE:
        return None
    at = text.find(_SIZE, _SIZE_AT - _MOVED_MAX, _SIZE_AT + _MOVED_MAX + len(_SIZE))
    if at < 0:
        return None
    told = "short" if at < _SIZE_AT else "long"
    away = count_of(abs(at - _SIZE_AT), "position")
    return f"at {at + 1}-{at + len(_SIZE)}, not at 35-40: the fields before them are {away} too {told}"


def address_findings(here: Placed) -> Iterator[pl.DataFrame]:
    """What is wrong with the sender and the receiver of a file from a client."""
    record = _header_record(here)
    if record is None:
        return
    line, text = record
    if _moved(text):
        return
    if not _is_routing_number(text[3:13].strip()):
        yield DESTINATION.at(line, "The immediate destination is no routing number.", text[3:13])
    if not text[13:23].strip("0 "):
        yield ORIGIN.at(line, "The immediate origin is missing.", text[13:23])


def _is_routing_number(text: str) -> bool:
    # Some write ten digits: one more zero instead of the blank.
    digits = text[-_ROUTING_DIGITS:]
    if len(digits) != _ROUTING_DIGITS or not (text.isascii() and text.isdigit()):
        return False
    return sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 10 == 0


def closing_findings(counted: Counted, place: Place) -> Iterator[pl.DataFrame]:
    """What is missing at the end of the file, and what is told once for all of it."""
    yield from counted.harmless.findings()
    if counted.control is None:
        message = "The file has no file control record (type 9): it is not whole."
        if place.open:
            message = f"The file ends inside batch {place.batches}, without batch control and file control."
        yield INCOMPLETE.at(None, message)
    if counted.physical % BLOCKING_FACTOR:
        yield BLOCKING.at(
            None, f"The file has {count_of(counted.physical, 'record')}, which is no multiple of {BLOCKING_FACTOR}."
        )


def _number(text: str) -> int | None:
    """Digits as a number, None for anything else and for what no frame holds (ADV declares sums of twenty digits)."""
    number = int(text) if text.isascii() and text.isdigit() else None
    return number if number is not None and number <= INT64_MAX else None


def file_totals(counted: Counted) -> pl.DataFrame:
    """Rows of TOTALS that the file control declares; none where there is no file control.

    Where several files stand one behind the other, what their controls declare together: each file's blocks are its own.
    """
    schema = dtypes(TOTALS)
    if counted.control is None:
        return pl.DataFrame(schema=schema)
    several = counted.files > 1 and len(counted.controls) > 1
    controls = counted.controls if several else counted.controls[:1]
    name_of = f"{len(controls)} file controls" if several else "file control"
    width = 20 if counted.advices else 12
    parts = (
        ("batches", "batch count", (1, 7), counted.batches),
        ("blocks", "block count", (7, 13), -(-counted.physical // BLOCKING_FACTOR)),
        ("count", "entry/addenda count", (13, 21), counted.count),
        ("entry_hash", "entry hash", (21, 31), counted.entry_hash % HASH_MODULUS),
        ("debit_sum", "total debit amount", (31, 31 + width), counted.debit_sum),
        ("credit_sum", "total credit amount", (31 + width, 31 + 2 * width), counted.credit_sum),
    )
    rows = []
    for measure, name, (first, last), found in parts:
        if several and measure == "blocks":
            continue
        said = [text[first:last] for _, text in controls]
        declared = _together([_number(text) for text in said], HASH_MODULUS if measure == "entry_hash" else None)
        rows.append({
            "level": "file", "line": counted.control[0], "field": f"{name_of}: {name}", "measure": measure,
            "declared_text": " + ".join(said[:_SHOWN_MAX]), "declared": declared, "found": found,
        })  # fmt: skip
    _take_sides(rows[-2:], counted.sideless_sum)
    return pl.DataFrame(rows, schema=schema)


def _take_sides(sums: list[dict[str, Any]], sideless: int) -> None:
    """Count entries whose code has no side, which are told of, on the sides that just they are missing from."""
    left = [-1 if row["declared"] is None else row["declared"] - row["found"] for row in sums]
    if sideless and min(left) >= 0 and sum(left) == sideless:
        for row in sums:
            row["found"] = row["declared"]


def _together(declared: list[int | None], modulus: int | None) -> int | None:
    """The sum, None where one of them is no number or no frame holds it."""
    known = [number for number in declared if number is not None]
    if len(known) < len(declared):
        return None
    whole = sum(known) % modulus if modulus and len(known) > 1 else sum(known)
    return whole if whole <= INT64_MAX else None
