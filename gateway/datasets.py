"""The datasets of the lake: what their objects hold, and how those of an older shape are read."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import polars as pl

from canonical.errors import FrameBroken
from canonical.frames import ALL
from reconciliation.frames import ATTRIBUTED, BOOK, GONE, STATES

DATASETS: Final = {
    **ALL, "states": STATES, "gone": GONE, "closed": BOOK, "open_book": BOOK, "open_words": ATTRIBUTED, "open_entries": ALL["entries"],
    "open_matches": ALL["matches"],
}  # fmt: skip
"""Dataset → schema. `states` and `gone` are what a day was closed on; `closed` what a run of reconciliation closed, `open_…` what it left."""
_BEFORE: Final[dict[str, dict[str, pl.Expr]]] = {
    "matches": {"entry_minor": pl.col("amount_minor"), "entry_currency": pl.col("currency")},
    "states": {"reopened": pl.lit(value=False)},
}
"""Columns that a dataset gained and that may not be null → what its older objects meant. Other columns are null in those."""

SUMMED: Final = ("amount_minor", "currency")
"""Columns of whose rows a manifest keeps the sum."""
RUNS: Final = frozenset({"keys"})
"""Datasets kept as Arrow files that are searched in place, not as Parquet."""


def read_object(dataset: str, key: str, data: bytes, columns: Sequence[str] | None) -> pl.DataFrame:
    """A Parquet object with the columns of its dataset (or some of them), also of an older shape. `key`: its name, for the error.

    Raises:
        FrameBroken: it has a column that nobody knows, or lacks one that may not be null and that had no meaning before.
    """
    schema = DATASETS[dataset]
    there = pl.read_parquet_schema(io.BytesIO(data))
    unknown = sorted(there.keys() - schema.columns.keys())
    wanted = list(schema.columns) if columns is None else list(dict.fromkeys(columns))
    gained = [name for name in wanted if name not in there]
    meant = _BEFORE.get(dataset, {})
    lost = [name for name in gained if not schema.columns[name].nullable and name not in meant]
    if unknown or lost:
        raise FrameBroken(f"object {key} is of another shape than {dataset}: it lacks {lost}, nobody knows {unknown}")
    read = list(there) if gained else wanted
    frame = pl.read_parquet(io.BytesIO(data), columns=read)
    nothing = {name: pl.lit(None, dtype=schema.columns[name].dtype.type) for name in gained}
    return frame.with_columns(**{name: meant.get(name, nothing[name]) for name in gained}) if gained else frame


def holds_any(data: bytes, values: pl.Series) -> bool:
    """True where a Parquet object has one of these values in the column they are named after; its other columns are not read."""
    column = pl.read_parquet(io.BytesIO(data), columns=[values.name])[values.name]
    return bool(column.is_in(values.implode()).any())


def sums_of(frame: pl.DataFrame) -> dict[str, int]:
    """Minor units by currency, empty where the dataset has no amounts."""
    if not set(SUMMED) <= set(frame.columns):
        return {}
    sums = frame.select(SUMMED).group_by("currency").agg(pl.col("amount_minor").sum()).drop_nulls().sort("currency")
    return dict(sums.iter_rows())
