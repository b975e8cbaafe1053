"""Lines of an ACH file that are no record of 94 characters: what is wrong with each, and when there is no going on.

Source: Nacha Operating Rules, Appendix One (records of 94 characters) and Appendix Three (record type codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_of, count_said
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
HEAD_BYTES: Final = 4096
"""In which the first two lines stand, however they are indented."""
INDENTED: Final = Fault(
    "nacha-indented", "FF02", Severity.FATAL, Level.FILE, "record",
    "Take away the blanks at the beginning of the lines; every record begins with its type at position 1.",
)  # fmt: skip
_INDENTED: Final = re.compile(rb"\A(?:[ \t]*[\r\n]+)*([ \t]{1,80})1[^\r\n]*[\r\n]+\1[5-9]")
FAULTS: Final = (TOO_LONG, LENGTH, BLANKS, EMPTY_LINE, UNKNOWN, UNREADABLE, INDENTED)


@dataclass(frozen=True, slots=True)
class Lines:
    """Where each line of a window starts, where it ends with its line end, and its length without."""

    starts: Integers
    ends: Integers
    lengths: Integers


@dataclass(frozen=True, slots=True)
class Seen:
    """How many lines are odd in one harmless way, and the first of them."""

    count: int = 0
    first: int = 0

    def after(self, before: int) -> Seen:
        """The same with so many lines before."""
        return replace(self, first=self.first + before) if self.count else self

    def plus(self, later: Seen) -> Seen:
        """With those of a later window."""
        return Seen(self.count + later.count, self.first if self.count else later.first)


@dataclass(frozen=True, slots=True)
class Harmless:
    """Lines that cost nothing: `blanks` too many or too few, and `empty` ones. Told once for the file: one cause makes them all."""

    blanks: Seen = Seen()
    empty: Seen = Seen()

    def after(self, before: int) -> Harmless:
        """The same with so many lines before."""
        return Harmless(self.blanks.after(before), self.empty.after(before))

    def plus(self, later: Harmless) -> Harmless:
        """With those of a later window."""
        return Harmless(self.blanks.plus(later.blanks), self.empty.plus(later.empty))

    def findings(self) -> Iterator[pl.DataFrame]:
        """One of each kind that there is, at its first line."""
        if self.blanks.count:
            told = count_of(self.blanks.count, "record")
            message = f"Blanks at the end were cut off or added: {told}, this the first. A record has {RECORD_CHARS} characters."
            yield BLANKS.at(self.blanks.first, message)
        if self.empty.count:
            told = count_of(self.empty.count, "empty line")
            yield EMPTY_LINE.at(self.empty.first, f"Between records: {told}, this the first.")


# Only header and file control end in optional or reserved blanks, which some systems trim.
_TRIMMED: Final = (pl.col("length") < RECORD_CHARS) & pl.col("kind").is_in(["1", "9", FILLER])
_PADDED: Final = (pl.col("length") > RECORD_CHARS) & (pl.col("text").str.slice(RECORD_CHARS).str.strip_chars(" ") == "")
_ENDLESS: Final = pl.col("length") > LINE_BYTES_MAX
_BY_BLANKS: Final = ~_ENDLESS & (_TRIMMED | _PADDED)


def line_findings(suspect: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Lines of `suspects` that lack or have more characters than 94, and records of no known type."""
    # That a line has another length is no second fault where it is no record anyway.
    odd = suspect.filter(~pl.col("blank"), pl.col("known") | _ENDLESS, pl.col("length") != RECORD_CHARS)
    length = pl.format("The record has {}; 94 are right.", count_said("length", "character"))
    yield TOO_LONG.on(odd.filter(_ENDLESS), length)
    shifted = length + pl.lit(" What else is told of its fields may come of that.")
    yield LENGTH.on(odd.filter(~_ENDLESS & ~_BY_BLANKS), shifted)
    begins = pl.format("No ACH record begins with “{}”.", pl.col("kind"))
    unknown = pl.when(pl.col("length") == RECORD_CHARS).then(begins).otherwise(begins + pl.lit(" ") + length)
    yield UNKNOWN.on(suspect.filter(~pl.col("known"), ~pl.col("blank"), ~_ENDLESS), unknown, pl.col("kind"))


def indentation(head: bytes) -> pl.DataFrame:
    """The one finding of a file whose records are all indented, from its first bytes; empty of others."""
    found = _INDENTED.match(head)
    if found is None:
        return NONE
    line = 1 + len(re.findall(rb"\r\n|\r|\n", found[0][: found.start(1)]))
    told = count_of(len(found[1]), "blank")
    return INDENTED.at(line, f"The records are indented by {told}: none of them begins where it must.")


def harmless(suspect: pl.DataFrame, known: Flags, *, last: bool) -> Harmless:
    """Lines of `suspects`, the first of the window numbered 1, that cost nothing."""
    blanks = suspect.filter(~pl.col("blank") & (pl.col("length") != RECORD_CHARS) & _BY_BLANKS)["line"]
    # Empty lines after the last record are no matter at all.
    end = np.flatnonzero(known)[-1:] if last else np.array([len(known)])
    empty = suspect.filter(pl.col("blank") & (pl.col("line") <= (int(end[0]) + 1 if end.size else 0)))["line"]
    return Harmless(_seen(blanks), _seen(empty))


def _seen(lines: pl.Series) -> Seen:
    return Seen(lines.len(), int(lines[0])) if lines.len() else Seen()


def suspects(array: Bytes, lines: Lines, kinds: Bytes, known: Flags, line: int) -> pl.DataFrame:
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
