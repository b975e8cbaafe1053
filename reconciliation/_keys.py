"""Identifiers as keys: what a column names, and a hash of it.

A hash finds candidates; the columns themselves decide (`_meet.by_key`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from canonical.identifying import identifies
from reconciliation._glance import is_plain
from reconciliation._pairing import Marks
from reconciliation._side import NUMBER, Side


def key(name: str) -> pl.Expr:
    """An identifier as a key: without blanks around it; null where it names nothing (blank, NOTPROVIDED)."""
    text = pl.col(name).str.strip_chars()
    return pl.when(identifies(text)).then(text)


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
        else _hashed(name, plain=is_plain(frame[name]))
        for name in names
    }


def _hashed(name: str, *, plain: bool = False) -> pl.Expr:
    text = pl.col(name) if plain else pl.col(name).str.strip_chars()
    return pl.when(identifies(text)).then(text.hash())


def without_blanks(name: str) -> pl.Expr:
    """A text without any blanks in it."""
    blank = pl.col(name).str.contains(r"\s")
    return pl.when(blank).then(pl.when(blank).then(name).str.replace_all(r"\s", "")).otherwise(pl.col(name))
