"""The last row of a CSV payment file may close it: `TOTAL,<number of payments>,<sum of amounts>`."""

from __future__ import annotations

import csv
import re
from typing import Final

import polars as pl

from canonical.codes import Level
from canonical.frames import TOTALS, conform, empty
from parsers._csv_header import CsvOptions

TOTAL: Final = "TOTAL"
_CLOSING: Final = re.compile(rb'^"?TOTAL"?[,;\t|]')
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_SUM: Final = re.compile(r"([0-9]{1,13})(?:\.([0-9]{0,5}))?")


def closes(tail: bytes) -> bool:
    """True when the last line that is not blank is a total."""
    return bool(_CLOSING.match(tail.rstrip().rsplit(b"\n", 1)[-1].lstrip()))


def cells_of(line: bytes, options: CsvOptions) -> list[str] | None:
    """The trimmed cells of a closing row, None where the line is another."""
    if not _CLOSING.match(line):
        return None
    text = line.decode(options.encoding, errors="replace")
    return [cell.strip() for cell in next(csv.reader([text], delimiter=options.delimiter))]


def totals_of(cells: list[str], line: int, options: CsvOptions) -> pl.DataFrame:
    """TOTALS frame of a closing row: what it leaves empty, it does not declare."""
    count, amount = [*cells[1:3], "", ""][:2]
    plain = amount.replace(",", ".") if options.decimal == "," else amount
    declared = [
        ("count", count, int(count) if _COUNT.fullmatch(count) else None),
        ("sum", amount, _units(plain)),
    ]
    rows = [
        {
            "level": Level.FILE.value,
            "line": line,
            "field": f"{TOTAL}/{measure}",
            "measure": measure,
            "declared_text": text,
            "declared": number,
        }
        for measure, text, number in declared
        if text
    ]
    schema = {"line": pl.Int64, "declared": pl.Int64}
    return conform(pl.DataFrame(rows, schema_overrides=schema), TOTALS) if rows else empty(TOTALS)


def _units(text: str) -> int | None:
    """Amount text in units of 10^-5."""
    found = _SUM.fullmatch(text)
    return None if found is None else int(found[1]) * 10**5 + int((found[2] or "").ljust(5, "0"))
