"""Short references for formats that have no room for a payment's id: unique by submission and position."""

from __future__ import annotations

import hashlib
from typing import Final

import polars as pl

_DIGITS: Final = 7
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def numbered(submission_id: str, position: pl.Expr, chars: int) -> pl.Expr:
    """`chars` capitals and digits: some of a hash of the submission, then its position in seven digits."""
    return pl.lit(mark(submission_id, chars - _DIGITS)) + position.cast(pl.String).str.zfill(_DIGITS)


def mark(text: str, chars: int) -> str:
    """So many capitals and digits that are the same for the same text."""
    number, found = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"), ""
    for _ in range(chars):
        number, digit = divmod(number, len(_LETTERS))
        found += _LETTERS[digit]
    return found
