"""Labels of Standard 18 files: their order and content.

Source: Bacs, PN5011 file structures (Standard 18): VOL1, HDR1, HDR2, UHL1, EOF1, EOF2, UTL1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import FileHeader
from parsers._bacs_layout import DATA, TRAILERS, cut, date_of
from parsers._nacha_findings import Fault

_FILE: Final = (Severity.ERROR, Level.FILE)
_ORDER_REMEDY: Final = "Order the records: VOL1, HDR1, HDR2, UHL1, data records, EOF1, EOF2, UTL1."
_ORDER: Final = Fault("bacs18-order", "FF02", *_FILE, "label", _ORDER_REMEDY)
_LABEL_MISSING: Final = Fault("bacs18-order", "FF02", Severity.WARNING, Level.FILE, "label", _ORDER_REMEDY)
_LABEL_REMEDY: Final = "Write the labels as Standard 18 lays them out, with your six-digit service user number."
_LABEL: Final = Fault("bacs18-label", "FF01", *_FILE, "label", _LABEL_REMEDY)
_LABEL_DETAIL: Final = Fault("bacs18-label", "FF01", Severity.WARNING, Level.FILE, "label", _LABEL_REMEDY)
INBOUND: Final = Fault(
    "bacs18-inbound", "FF01", Severity.FATAL, Level.FILE, "label",
    "Send the payment file that you give to Bacs; a bank's own list of entries is no order.",
)  # fmt: skip
INCOMPLETE: Final = Fault(
    "bacs18-incomplete", "TD03", Severity.FATAL, Level.FILE, "UTL1",
    "Send the whole file again, closed by its EOF1, EOF2 and UTL1 labels.",
)  # fmt: skip
TRIMMED: Final = Fault(
    "bacs18-length", "FF02", Severity.WARNING, Level.FILE, "record",
    "Fill records up with blanks to 100 or 106 characters, and labels to 80.",
)  # fmt: skip
_START: Final = ""
_RIGHT: Final = [
    "VOL1", DATA, "VOL1HDR1", "HDR1HDR2", "HDR2UHL1", f"UHL1{DATA}", f"{DATA}{DATA}", f"{DATA}EOF1", "EOF1EOF2",
    "EOF2UTL1", "UTL1HDR1", "UHL1EOF1", "UTL1VOL1",
]  # fmt: skip
"""Kinds of records that may follow one another."""
_TOLERATED: Final = ["HDR1", "UHL1", "HDR1UHL1", "VOL1UHL1", f"{DATA}UTL1", "EOF1UTL1", "UTL1UHL1", "UHL1UTL1"]
"""The same with labels left out that say nothing of the payments."""
_USER: Final = re.compile(r"[0-9B][0-9]{5}")
_DAILY: Final = "1 DAILY"
MULTI: Final = "4 MULTI"


@dataclass(frozen=True, slots=True)
class Place:
    """What the labels before a window say. `kind`: of the last record; `day_text`, `multi`: of the last UHL1; `user`: of the last HDR1.

    `closed`: a UTL1 was read, and since then nothing but labels that belong before it.
    """

    kind: str = _START
    sections: int = 0
    day_text: str | None = None
    multi: bool = False
    labelled: bool = False
    closed: bool = False
    user: str | None = None


def placed(records: pl.DataFrame, place: Place) -> pl.DataFrame:
    """The records with `previous` (kind before), `section`, `day_text` and `multi` of the UHL1 that holds."""
    kind = pl.col("kind")
    trailer, header = kind == "UTL1", kind == "UHL1"
    day = pl.when(header).then(cut(5, 10).str.strip_chars(" ")).forward_fill().fill_null(pl.lit(place.day_text))
    return records.with_columns(
        kind.shift(1, fill_value=place.kind).alias("previous"),
        (trailer.cum_sum() - trailer.cast(pl.UInt32)).cast(pl.Int64).alias("section") + place.sections,
        day.replace({"": None}).alias("day_text"),
        pl.when(header).then(cut(29, 35) == MULTI).forward_fill().fill_null(place.multi).alias("multi"),
    )


def left_off(records: pl.DataFrame, place: Place) -> Place:
    """Where the placed records leave off."""
    if records.is_empty():
        return place
    last = records.row(-1, named=True)
    labelled = place.labelled or bool((records["kind"] != DATA).any())
    sections = last["section"] + (last["kind"] == "UTL1")
    other = records.filter(~pl.col("kind").is_in(TRAILERS))["kind"].tail(1).to_list()
    closed = other == ["UTL1"] if other else place.closed
    headers = records.filter(pl.col("kind") == "HDR1")["text"].str.slice(5, 6).tail(1).to_list()
    user = headers[0] if headers else place.user
    return Place(last["kind"], sections, last["day_text"], last["multi"], labelled, closed, user)


def order_findings(records: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Records that may not follow the one before, and labels left out."""
    pair = pl.concat_str("previous", "kind")
    odd = records.filter(~pair.is_in(_RIGHT))
    before = pl.col("previous").replace({_START: "the start of the file"})
    message = pl.lit("After ") + before + pl.lit(" comes ") + pl.col("kind")
    left_out = pair.is_in(_TOLERATED)
    yield _LABEL_MISSING.on(odd.filter(left_out), message + pl.lit(": a label between them is left out."))
    yield _ORDER.on(odd.filter(~left_out), message + pl.lit("; that is not the order of Standard 18."))


def user_of(records: pl.DataFrame) -> str | None:
    """Service user number of the HDR1 or VOL1 label."""
    for kind, first in (("HDR1", 5), ("VOL1", 41)):
        text = _label(records, kind)
        if text and text[first : first + 6].strip():
            return text[first : first + 6]
    return None


def _label(records: pl.DataFrame, kind: str) -> str | None:
    found = records.filter(pl.col("kind") == kind)["text"]
    return found[0] if found.len() else None


def file_header(records: pl.DataFrame) -> FileHeader:
    """What the labels say. Service user, serial number, creation day and file number together name the file."""
    header, user_header = _label(records, "HDR1"), _label(records, "UHL1") or ""
    version = "multi processing day" if user_header[28:35] == MULTI else "single processing day"
    if header is None:
        return FileHeader("bacs18", version if user_header else "data records")
    user = user_of(records)
    parts = (user, header[21:27].strip(), header[41:47].strip(), user_header[37:40].strip())
    day = date_of(header[41:47].strip())
    name = "-".join(part for part in parts if part)
    return FileHeader("bacs18", version, name or None, day.isoformat() if day else None, user)


def label_findings(records: pl.DataFrame, user: str | None) -> Iterator[pl.DataFrame]:
    """What is wrong inside the labels. `user`: service user number of the HDR1 before, if any."""
    labels = records.filter(pl.col("kind") != DATA).select("kind", "line", "text")
    for kind, line, text in labels.iter_rows():
        named = text[5:11]
        user = named if kind == "HDR1" else user
        if kind == "EOF1" and user is not None and _USER.fullmatch(named) and named != user:
            yield _LABEL_DETAIL.at(
                line, f"{kind}: the service user number at positions 6-11 is not that of HDR1, {user}.", named
            )
        for fault, message, value in _label_faults(kind, text):
            yield fault.at(line, f"{kind}: {message}", value)


def _label_faults(kind: str, text: str) -> Iterator[tuple[Fault, str, str]]:
    def at(first: int, last: int) -> str:
        return text[first - 1 : last]

    if kind == "VOL1" and at(42, 47).strip() and not _USER.fullmatch(at(42, 47)):
        yield _LABEL, "the service user number at positions 42-47 is not six digits.", at(42, 47)
    if kind in {"HDR1", "EOF1"}:
        if at(5, 5) != "A" or at(12, 12) != "S":
            yield _LABEL, "positions 5 and 12 of the file identifier are not A and S.", at(5, 21)
        if not _USER.fullmatch(at(6, 11)):
            yield _LABEL, "the service user number at positions 6-11 is not six digits.", at(6, 11)
        if date_of(at(43, 47)) is None:
            yield _LABEL_DETAIL, "the creation date at positions 42-47 is no blank and YYDDD.", at(42, 47)
    if kind in {"HDR2", "EOF2"} and (at(5, 5) != "F" or at(11, 15) not in {"00100", "00106"}):
        yield _LABEL_DETAIL, "record format and length at 5 and 11-15 are not F and 00100 or 00106.", at(5, 15)
    if kind == "UHL1":
        yield from _user_header_faults(at(5, 10), at(21, 22), at(29, 37), at(38, 40))


def _user_header_faults(day: str, currency: str, work: str, number_text: str) -> Iterator[tuple[Fault, str, str]]:
    # In a file of a single day it is that of the records, and the rule `execution_date` tells of it.
    if date_of(day.strip()) is None and work.strip() != _DAILY:
        yield _LABEL, "the processing date at positions 5-10 is no blank and YYDDD.", day
    if currency not in {"00", "  "}:
        yield _LABEL, "the currency code at positions 21-22 is not 00 (sterling).", currency
    if work.strip() not in {_DAILY, MULTI}:
        yield _LABEL, f"the work code at positions 29-37 is neither {_DAILY} nor {MULTI}.", work
    if not re.fullmatch("[0-9]{3}", number_text):
        yield _LABEL_DETAIL, "the file number at positions 38-40 is not three digits.", number_text
