"""Lines of an ACH file that are no record of 94 characters: what is wrong with each, and when there is no going on.

Source: Nacha Operating Rules, Appendix One (records of 94 characters) and Appendix Three (record type codes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_said
from canonical.limits import FINDINGS_PER_RULE_MAX, LINE_BYTES_MAX
from parsers._nacha_digits import Bytes, Flags, Integers
from parsers._nacha_findings import NONE, Fault
from parsers._nacha_layout import FILLER, RECORD_CHARS

BROKEN_LINES_MAX: Final = FINDINGS_PER_RULE_MAX // 10
"""Lines of one window that are no records before it is plain that the file is none of ACH."""

_LENGTH_REMEDY: Final = "Write every record with exactly 94 characters, filled up with blanks."
TOO_LONG: Final = Fault("nacha-line-endless", "FF02", Severity.FATAL, Level.FILE, "record", _LENGTH_REMEDY)
LENGTH: Final = Fault("nacha-length", "FF02", Severity.ERROR, Level.FILE, "record", _LENGTH_REMEDY)
BLANKS: Final = Fault("nacha-blanks", "FF02", Severity.WARNING, Level.FILE, "record", _LENGTH_REMEDY)
EMPTY_LINE: Final = Fault(
    "nacha-empty-line", "FF02", Severity.WARNING, Level.FILE, "record", "Leave no empty lines between records."
)
UNKNOWN: Final = Fault(
    "nacha-record-type", "FF02", Severity.ERROR, Level.FILE, "record type code",
    "Begin every record with its type: 1, 5, 6, 7, 8 or 9.",
)  # fmt: skip
UNREADABLE: Final = Fault(
    "nacha-unreadable", "FF02", Severity.FATAL, Level.FILE, "record",
    "Look at the file from this line on: it holds something else than ACH records.",
)  # fmt: skip
FAULTS: Final = (TOO_LONG, LENGTH, BLANKS, EMPTY_LINE, UNKNOWN, UNREADABLE)


@dataclass(frozen=True, slots=True)
class Lines:
    """Where each line of a window starts, where it ends with its line end, and its length without."""

    starts: Integers
    ends: Integers
    lengths: Integers


def line_findings(
    array: Bytes, lines: Lines, kinds: Bytes, known: Flags, *, at: int, last: bool
) -> Iterator[pl.DataFrame]:
    """Lines that are not 94 characters long, empty ones, and records of no known type. `at`: number of the first line."""
    suspect = _suspects(array, lines, kinds, known, at)
    odd = suspect.filter(~pl.col("blank"), pl.col("length") != RECORD_CHARS)
    length = pl.format("The record has {}; 94 are right.", count_said("length", "character"))
    # Only header and file control end in optional or reserved blanks, which some systems trim.
    trimmed = (pl.col("length") < RECORD_CHARS) & pl.col("kind").is_in(["1", "9", FILLER])
    padded = (pl.col("length") > RECORD_CHARS) & (pl.col("text").str.slice(RECORD_CHARS).str.strip_chars(" ") == "")
    endless = pl.col("length") > LINE_BYTES_MAX
    yield TOO_LONG.on(odd.filter(endless), length)
    yield BLANKS.on(odd.filter(~endless & (trimmed | padded)), length)
    yield LENGTH.on(odd.filter(~endless & ~(trimmed | padded)), length)
    # Empty lines after the last record harm nothing.
    end = np.flatnonzero(known)[-1:] if last else np.array([len(known)])
    before = int(end[0]) + at if end.size else 0
    yield EMPTY_LINE.on(suspect.filter("blank", pl.col("line") <= before), "The line is empty.")
    unknown = pl.format("No ACH record begins with “{}”.", pl.col("kind"))
    yield UNKNOWN.on(suspect.filter(~pl.col("known"), ~pl.col("blank")), unknown, pl.col("kind"))


def _suspects(array: Bytes, lines: Lines, kinds: Bytes, known: Flags, line: int) -> pl.DataFrame:
    """line, length, text (cut where it has no end), kind, known and blank of the lines that are not as all others."""
    chosen = np.flatnonzero((lines.lengths != RECORD_CHARS) | ~known)
    if np.count_nonzero(_broken(lines, kinds, known)) > BROKEN_LINES_MAX:
        chosen = chosen[:BROKEN_LINES_MAX]
    starts = lines.starts[chosen]
    ends = starts + np.minimum(lines.lengths[chosen], LINE_BYTES_MAX + 1)
    whole = array.data
    texts = [str(whole[start:end], "ascii") for start, end in zip(starts, ends, strict=True)]
    letters = np.array([chr(byte) for byte in range(256)])[kinds[chosen]]
    return pl.DataFrame(
        {
            "line": chosen + line,
            "length": lines.lengths[chosen],
            "text": texts,
            "kind": letters,
            "known": known[chosen],
        },
        schema={"line": pl.Int64, "length": pl.Int64, "text": pl.String, "kind": pl.String, "known": pl.Boolean},
    ).with_columns((pl.col("text").str.strip_chars(" ") == "").alias("blank"))


def _broken(lines: Lines, kinds: Bytes, known: Flags) -> Flags:
    """Lines that are no record, or one that lacks characters which matter."""
    may_be_trimmed = np.isin(kinds, [ord(kind) for kind in ("1", "9", FILLER)])
    broken: Flags = ~known | ((lines.lengths < RECORD_CHARS) & ~may_be_trimmed)
    return broken


def halted(lines: Lines, kinds: Bytes, known: Flags, *, at: int, crowded: bool) -> tuple[bool, pl.DataFrame]:
    """Whether reading cannot go on: a line without an end (told as `nacha-line-endless`), or too many that are no records.

    `crowded`: only the beginning of the window was looked at, since it has far too many lines.
    """
    broken = np.flatnonzero(_broken(lines, kinds, known))
    if crowded or broken.size > BROKEN_LINES_MAX:
        first = int(broken[0]) if broken.size else len(known)
        message = f"More than {BROKEN_LINES_MAX} lines from here on are no ACH records; the rest was not read."
        return True, UNREADABLE.at(first + at, message)
    return bool((lines.lengths > LINE_BYTES_MAX).any()), NONE
