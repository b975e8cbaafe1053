"""Identifiers as keys: what a column names, and a hash of it.

A hash finds candidates; the columns themselves decide (`_meet.by_key`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from reconciliation._pairing import Marks
from reconciliation._side import NUMBER, Side

_NOT_PROVIDED: Final = "NOTPROVIDED"
_INLINE_MAX: Final = 12
"""Letters of a text that stand in its view."""
_LETTERS_MAX: Final = 64
_LETTERS_SPARE: Final = 2**20
"""Bytes looked through: so many a text, and so many more."""


def key(name: str) -> pl.Expr:
    """An identifier as a key: without blanks around it; null where it names nothing (blank, NOTPROVIDED)."""
    text = pl.col(name).str.strip_chars()
    return pl.when(_says(text)).then(text)


def _says(text: pl.Expr) -> pl.Expr:
    chars = text.str.len_bytes()
    # Only what has its length is compared: capitals of a whole column cost more than all the rest.
    nothing = pl.when(chars == len(_NOT_PROVIDED)).then(text).str.contains(rf"(?i-u)^{_NOT_PROVIDED}$")
    return (chars > 0) & ~nothing.fill_null(value=False)


def hash_of(name: str) -> str:
    """The column that holds the hash of an identifier's key, null where it names nothing."""
    return f"{name}_hash"


def hashed(side: Side, name: str) -> pl.Expr:
    """The hash of the key in a column, null where it names nothing."""
    return pl.col(hash_of(name)) if hash_of(name) in side.made else _hashed(name)


def keys(
    side: Side, names: Sequence[str], mixed: pl.Expr | None = None, asked: pl.Series | None = None
) -> pl.DataFrame:
    """Row number and h of the rows left: the hash of each key that they say in these columns, each once, mixed with another hash.

    `asked`: without most of what is not among these hashes, and with all that is.
    """
    said: dict[str, pl.Expr] = {}
    told = [name for name in names if side.says(name)]
    for place, name in enumerate(told):
        own = hashed(side, name)
        again = [(own == hashed(side, before)).fill_null(value=False) for before in told[:place]]
        once = own if not again else pl.when(~pl.any_horizontal(again)).then(own)
        said[name] = once if mixed is None else once ^ mixed
    read = side.select(side.number, **said)
    marks = None if asked is None else Marks.of(asked)
    columns = []
    for name in told:
        rows = pl.DataFrame([read[side.number], read[name].alias("h")])
        columns.append(rows.drop_nulls("h") if marks is None else rows.filter(marks.may_hold(rows["h"])))
    return pl.concat([pl.DataFrame(schema={side.number: NUMBER, "h": pl.UInt64}), *columns])


def hashes(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, pl.Expr]:
    """Column of `hash_of` → what makes it, of each of these columns."""
    silent = pl.lit(None, dtype=pl.UInt64)
    return {
        hash_of(name): silent
        if frame[name].null_count() == frame.height
        else _hashed(name, is_plain=is_plain(frame[name]))
        for name in names
    }


def _hashed(name: str, *, is_plain: bool = False) -> pl.Expr:
    text = pl.col(name) if is_plain else pl.col(name).str.strip_chars()
    return pl.when(_says(text)).then(text.hash())


def is_plain(column: pl.Series) -> bool:
    """Every byte of the texts is a visible ASCII character: no blank stands in or around any. False where that is not certain.

    Looking through the bytes of a million texts takes a tenth of the time of taking blanks from their ends.
    """
    return all(
        _is_plain(chunk.to_arrow(compat_level=pl.CompatLevel.newest())) for chunk in column.get_chunks()
    )  # fmt: skip


def _is_plain(texts: pa.Array) -> bool:
    """Source: Arrow's layout of string views: length, then up to twelve letters, padded with zeros, or where they are."""
    if texts.type != pa.string_view():
        return False
    _, views, *letters = texts.buffers()
    # What is a part of much longer buffers is not looked through.
    if sum(buffer.size for buffer in letters) > _LETTERS_MAX * len(texts) + _LETTERS_SPARE:
        return False
    rows = np.frombuffer(views, np.uint8).reshape(-1, 16)[texts.offset : texts.offset + len(texts)]
    inline = rows[rows[:, :4].copy().view(np.uint32)[:, 0] <= _INLINE_MAX, 4:]
    return not ((_not_visible(inline) & (inline != 0)).any()) and not any(
        _not_visible(np.frombuffer(buffer, np.uint8)).any() for buffer in letters
    )


def _not_visible(letters: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (letters - ord("!")) > ord("~") - ord("!")


def without_blanks(name: str) -> pl.Expr:
    """A text without any blanks in it."""
    blank = pl.col(name).str.contains(r"\s")
    return pl.when(blank).then(pl.when(blank).then(name).str.replace_all(r"\s", "")).otherwise(pl.col(name))
