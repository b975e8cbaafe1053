"""Identifiers that identify nothing: what is written where a message asks for a reference and there is none."""

from __future__ import annotations

from typing import Final

import polars as pl

NOT_PROVIDED: Final = "NOTPROVIDED"
"""What ISO 20022 and the EPC have written where a message asks for an identifier and there is none."""
_SIGNS_BYTES_MAX: Final = 4


def identifies(text: pl.Expr) -> pl.Expr:
    """Boolean, null where null: the text, without blanks around it, says something.

    NOTPROVIDED is what ISO and EPC write for none; a sign or a few of them ("-", as Italian banks and their customers write it, or "...")
    are no more than that.
    """
    chars = text.str.len_bytes()
    # Only what has its length is compared: capitals of a whole column cost more than all the rest.
    none = pl.when(chars == len(NOT_PROVIDED)).then(text).str.contains(rf"(?i-u)^{NOT_PROVIDED}$")
    signs = pl.when(chars <= _SIGNS_BYTES_MAX).then(text).str.contains(r"^[^\p{L}\p{N}]+$")
    return (chars > 0) & ~none.fill_null(value=False) & ~signs.fill_null(value=False)
