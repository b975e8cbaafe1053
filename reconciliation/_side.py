"""A side of the ladder: the frame that a run was given, and which of its rows are left.

Rungs take rows away and look at a few columns of those that are left, so neither is copied: a side is the whole frame as it was
given, and row numbers. Columns are read when they are asked for. Joining and filtering frames with forty columns of text
would take ten times the time, and the memory of a copy each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

NUMBER: Final = pl.get_index_type()
"""Type of row numbers."""
_FEW: Final = 16
"""A column in many chunks is laid out as one before more than this part of it is read: reading from chunks is slow."""


@dataclass(frozen=True, slots=True)
class Side:
    """`whole`: every row, with its number in the column named as `rows` is (e or p). `rows`: numbers of those left, ascending."""

    whole: pl.DataFrame
    rows: pl.Series

    @classmethod
    def of(cls, frame: pl.DataFrame, number: str, left: pl.Series | None = None) -> Side:
        """The rows for which `left` is true, all where it is not given."""
        whole = frame if number in frame.columns else frame.with_row_index(number)
        return cls(whole, whole[number] if left is None else whole[number].filter(left))

    @property
    def number(self) -> str:
        """Name of the column of row numbers."""
        return self.rows.name

    @property
    def height(self) -> int:
        """How many rows are left."""
        return self.rows.len()

    def is_empty(self) -> bool:
        """No row is left."""
        return self.rows.is_empty()

    def says(self, name: str) -> bool:
        """The column holds anything, in any row of the whole."""
        return self.whole[name].null_count() < self.whole.height

    def select(self, *wanted: str | pl.Expr, **named: str | pl.Expr) -> pl.DataFrame:
        """As `DataFrame.select`, on the rows left; only the columns that it names are read."""
        exprs = [pl.col(item) if isinstance(item, str) else item for item in wanted]
        exprs += [(pl.col(item) if isinstance(item, str) else item).alias(name) for name, item in named.items()]
        roots = dict.fromkeys(name for expr in exprs for name in expr.meta.root_names())
        read = self._read([name for name in roots if name != self.number], self.rows)
        # A query computes an expression once that stands in several.
        return pl.DataFrame([self.rows, *read]).lazy().select(exprs).collect()

    def at(self, name: str, numbers: pl.Series) -> pl.Series:
        """A column at these row numbers, in their order, whether they are left or not."""
        return self._read([name], numbers)[0]

    def filter(self, *holds: str | pl.Expr) -> Side:
        """The rows left for which all hold."""
        mask = self.select(left=pl.all_horizontal(*holds)).to_series()
        return replace(self, rows=self.rows.filter(mask))

    def without(self, numbers: pl.Series) -> Side:
        """The rows left but these."""
        return self if numbers.is_empty() else replace(self, rows=self.rows.filter(~self._among(numbers)))

    def only(self, numbers: pl.Series) -> Side:
        """The rows left among these."""
        return replace(self, rows=self.rows.filter(self._among(numbers)))

    def has(self, numbers: pl.Series) -> pl.Series:
        """Boolean for each of these row numbers: it is left."""
        return pl.Series(self._marked(self.rows)[numbers.to_numpy()])

    def with_columns(self, **columns: pl.Expr | pl.Series) -> Side:
        """With columns added or replaced in the whole; the others are not copied."""
        return replace(self, whole=derived(self.whole, **columns))

    def put(self, name: str, numbers: pl.Series, values: Any) -> Side:
        """With another Boolean at these rows of a column."""
        column = self.whole[name].to_numpy().copy()
        column[numbers.to_numpy()] = values
        return self.with_columns(**{name: pl.Series(column)})

    def _read(self, names: list[str], numbers: pl.Series) -> list[pl.Series]:
        if not names:
            return []
        columns = self.whole[names]
        if numbers is self.rows and self.height == self.whole.height:
            return columns.get_columns()
        if numbers.len() * _FEW > self.whole.height:
            columns = columns.rechunk()
        return columns[numbers].get_columns()

    def _among(self, numbers: pl.Series) -> pl.Series:
        return pl.Series(self._marked(numbers)[self.rows.to_numpy()])

    def _marked(self, numbers: pl.Series) -> npt.NDArray[np.bool_]:
        marks = np.zeros(self.whole.height, dtype=np.bool_)
        marks[numbers.to_numpy()] = True
        return marks


def derived(frame: pl.DataFrame, **columns: pl.Expr | pl.Series) -> pl.DataFrame:
    """The frame with columns added or replaced; what stands in several of their expressions is computed once."""
    made = frame.lazy().with_columns(**columns).collect()
    # What is made is made in one piece, in however many the frame came: these columns are read most.
    return made.with_columns(made[name].rechunk() for name in columns)


def beside(pairs: pl.DataFrame, bank: Side, book: Side, of_bank: Sequence[str], of_book: Sequence[str]) -> pl.DataFrame:
    """Pairs (e, p and more) with columns of both sides; those of the payment end in _p."""
    ours = [bank.at(name, pairs["e"]) for name in of_bank]
    return pairs.hstack([*ours, *(book.at(name, pairs["p"]).alias(f"{name}_p") for name in of_book)])
