"""ISO 7064 MOD 97-10 over texts of letters and digits, as a Polars expression."""

from __future__ import annotations

import string
from typing import Final

import polars as pl

_CHUNK_DIGITS: Final = 16  # with two digits of remainder before them, 18 digits stay below 2^63
_LETTERS: Final = list(string.ascii_uppercase)
_NUMBERS: Final = [str(10 + n) for n in range(26)]


def remainder(text: pl.Expr, *, chars_max: int = 35) -> pl.Expr:
    """Int64: the text as a number (A is 10, Z is 35) modulo 97; 1 where its check digits are right. Capitals and digits only.

    Texts of up to `chars_max` characters; null where it is longer, or holds something else.
    """
    digits_max = -(-chars_max * 2 // _CHUNK_DIGITS) * _CHUNK_DIGITS
    sound = text.str.contains("^[A-Z0-9]+$") & (text.str.len_bytes() <= chars_max)
    digits = pl.when(sound).then(text.str.replace_many(_LETTERS, _NUMBERS)).str.zfill(digits_max)
    rest: pl.Expr = pl.lit(0, dtype=pl.Int64)
    shift = 10**_CHUNK_DIGITS % 97
    for place in range(0, digits_max, _CHUNK_DIGITS):
        rest = (rest * shift + digits.str.slice(place, _CHUNK_DIGITS).cast(pl.Int64)) % 97
    return rest
