"""Records of an ACH file that hold letters of more than one byte: read by letters, as they were laid out.

Source: Nacha Operating Rules, Appendix One: valid characters. A system that writes UTF-8 pads a record to 94 letters; by bytes
everything behind the first accent would stand elsewhere, and be told for it.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import polars as pl

from canonical.limits import LINE_BYTES_MAX
from parsers._nacha_digits import Bytes, Integers
from parsers._nacha_layout import RECORD_CHARS
from parsers._nacha_odd_lines import Lines

_FOREIGN: Final = re.compile(r"[^ -~]")
Wide = dict[int, str]
"""Index of a line, the text it holds."""


def wide_lines(array: Bytes, lines: Lines, suspect: Integers) -> Wide:
    """Those of the `suspect` lines (indices) that are not 94 bytes long and hold letters of UTF-8."""
    found: Wide = {}
    for index in suspect[lines.lengths[suspect] != RECORD_CHARS].tolist():
        start, length = int(lines.starts[index]), int(lines.lengths[index])
        if length > LINE_BYTES_MAX:
            continue
        try:
            text = array[start : start + length].tobytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        if len(text) < length:
            found[index] = text
    return found


def by_letters(matrix: Bytes, lines: Lines, wide: Wide) -> Lines:
    """Write these lines anew into the matrix, a question mark for a letter; the lines with their lengths in letters."""
    lengths = lines.lengths.copy()
    for index, text in wide.items():
        plain = _FOREIGN.sub("?", text[:RECORD_CHARS]).ljust(RECORD_CHARS)
        matrix[index] = np.frombuffer(plain.encode("ascii"), np.uint8)
        lengths[index] = len(text)
    return Lines(lines.starts, lines.ends, lengths)


def with_letters(characters: pl.DataFrame, wide: Wide) -> pl.DataFrame:
    """`characters` (line from 1, column, byte) that say which letter a byte belongs to. All before the first is one byte each."""
    named = [
        f"{byte} (“{wide[line - 1][column - 1]}” in UTF-8)" if line - 1 in wide else byte
        for line, column, byte in characters.select("line", "column", "byte").iter_rows()
    ]
    return characters.with_columns(pl.Series("byte", named, dtype=pl.String))
