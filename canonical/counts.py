"""Numbers with their noun, as a person would say them: 1 payment, 2 entries. Every message with a count says it this way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

_HISSING: Final = ("s", "x", "ch", "sh")


def _plural(noun: str) -> str:
    if noun.endswith(_HISSING):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in set("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def count_of(number: int, noun: str) -> str:
    """1 payment, 1,234 payments, 2 batches."""
    return f"{number:,} {noun if number == 1 else _plural(noun)}"


def count_said(column: str, noun: str) -> pl.Expr:
    """The same of a column of whole numbers, or of texts as a client wrote them; without separators, null where null."""
    import polars as pl  # the command line says counts without it

    number = pl.col(column)
    word = pl.when(number.cast(pl.Int64, strict=False) == 1).then(pl.lit(noun)).otherwise(pl.lit(_plural(noun)))
    return pl.format("{} {}", number, word)
