"""Bytes of an ACH file outside printable ASCII: on the payment where they stand in one, else on the file.

Source: Nacha Operating Rules, Appendix One: valid characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from parsers._nacha_entries import Entries
from parsers._nacha_findings import Fault

_REMEDY: Final = "Use printable ASCII characters only: letters without accents, digits and punctuation."
CHARACTER: Final = Fault("nacha-character", "RR10", Severity.ERROR, Level.PAYMENT, "record", _REMEDY)
CHARACTER_FILE: Final = Fault("nacha-character", "RR10", Severity.ERROR, Level.FILE, "record", _REMEDY)
FAULTS: Final = (CHARACTER,)


def character_findings(characters: pl.DataFrame, entries: Entries, headers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """`characters`: line, column and byte of the first bad byte of each line."""
    if characters.is_empty():
        return
    message = pl.format(
        "Position {} of the record holds the byte 0x{}, which is no printable ASCII character.", "column", "byte"
    )
    lines = characters["line"].to_numpy()
    near = np.searchsorted(entries.line, lines, side="right") - 1
    known = near >= 0
    known[known] = (lines[known] <= entries.line[near[known]] + entries.addenda[near[known]]) & (
        entries.row[near[known]] > 0
    )
    if known.any():
        place = entries.at(near[known], headers).drop("line")
        yield CHARACTER.on(pl.concat([characters.filter(pl.Series(known)), place], how="horizontal"), message)
    yield CHARACTER_FILE.on(characters.filter(pl.Series(~known)), message)
