"""A side of the ladder: the frame that a run was given, and which of its rows are left.

Rungs take rows away and look at a few columns of those that are left, so nothing is copied: a side is the frame as it was
given, the few columns made of it, and row numbers. Columns are read when they are asked for. Joining and filtering frames with
forty columns of text would take ten times the time, and the memory of a copy each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """`given`: every row. `made`: further columns of every row, which stand before given ones of their name.

    `rows`: numbers of the rows left, ascending, named e or p.
    """

    given: pl.DataFrame
    made: dict[str, pl.Series]
    rows: pl.Series

    @classmethod
    def of(cls, given: pl.DataFrame, number: str) -> Side:
        """All rows, with their numbers under that name."""
        rows = pl.int_range(given.height, dtype=NUMBER, eager=True).alias(number)
        return cls(given, {number: rows}, rows)

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

    def whole(self, name: str) -> pl.Series:
        """A column of every row, left or not."""
        return self.made[name] if name in self.made else self.given[name]

    def says(self, name: str) -> bool:
        """The column holds anything, in any row."""
        return self.whole(name).null_count() < self.given.height

    def select(self, *wanted: str | pl.Expr, **named: str | pl.Expr) -> pl.DataFrame:
        """As `DataFrame.select`, on the rows left; only the columns that it names are read."""
        exprs = [pl.col(item) if isinstance(item, str) else item for item in wanted]
        exprs += [(pl.col(item) if isinstance(item, str) else item).alias(name) for name, item in named.items()]
        read = [self._left(name) for name in _roots(exprs) if name != self.number]
        # A query computes once what stands in several expressions.
        return pl.DataFrame([self.rows, *read]).lazy().select(exprs).collect()

    def at(self, name: str, numbers: pl.Series) -> pl.Series:
        """A column at these row numbers, in their order, whether they are left or not."""
        column = self.whole(name)
        if column.n_chunks() > 1 and numbers.len() * _FEW > column.len():
            column = column.rechunk()
        return column[numbers]

    def filter(self, *holds: str | pl.Expr) -> Side:
        """The rows left for which all hold."""
        mask = self.select(left=pl.all_horizontal(*holds)).to_series()
        return replace(self, rows=self.rows.filter(mask))

    def where(self, holds: pl.Series) -> Side:
        """The rows left for which a Boolean column of every row holds."""
        return replace(self, rows=self.rows.filter(holds if self.height == holds.len() else holds.gather(self.rows)))

    def without(self, numbers: pl.Series) -> Side:
        """The rows left but these."""
        return self if numbers.is_empty() else replace(self, rows=self.rows.filter(~self._among(numbers)))

    def only(self, numbers: pl.Series) -> Side:
        """The rows left among these."""
        return replace(self, rows=self.rows.filter(self._among(numbers)))

    def has(self, numbers: pl.Series) -> pl.Series:
        """Boolean for each of these row numbers: it is left."""
        return pl.Series(self._marked(self.rows)[numbers.to_numpy()])

    def with_columns(self, **columns: pl.Expr) -> Side:
        """With columns of every row made or made anew."""
        exprs = [expr.alias(name) for name, expr in columns.items()]
        # A constant needs a column beside it that says how often it stands.
        every = [self.whole(name) for name in dict.fromkeys([self.number, *_roots(exprs)])]
        made = pl.DataFrame(every).lazy().with_columns(exprs).collect()
        return replace(self, made=self.made | {name: made[name].rechunk() for name in columns})

    def having(self, name: str, column: pl.Series) -> Side:
        """With a column of every row."""
        return replace(self, made=self.made | {name: column})

    def put(self, name: str, numbers: pl.Series, values: Any) -> Side:
        """With another Boolean at these rows of a column."""
        column = self.whole(name).to_numpy().copy()
        column[numbers.to_numpy()] = values
        return replace(self, made=self.made | {name: pl.Series(name, column)})

    def _left(self, name: str) -> pl.Series:
        return self.whole(name) if self.height == self.given.height else self.at(name, self.rows)

    def _among(self, numbers: pl.Series) -> pl.Series:
        return pl.Series(self._marked(numbers)[self.rows.to_numpy()])

    def _marked(self, numbers: pl.Series) -> npt.NDArray[np.bool_]:
        marks = np.zeros(self.given.height, dtype=np.bool_)
        marks[numbers.to_numpy()] = True
        return marks


def _roots(exprs: Iterable[pl.Expr]) -> list[str]:
    return list(dict.fromkeys(name for expr in exprs for name in expr.meta.root_names()))


def beside(pairs: pl.DataFrame, bank: Side, book: Side, of_bank: Sequence[str], of_book: Sequence[str]) -> pl.DataFrame:
    """Pairs (e, p and more) with columns of both sides; those of the payment end in _p."""
    ours = [bank.at(name, pairs["e"]) for name in of_bank]
    return pairs.hstack([*ours, *(book.at(name, pairs["p"]).alias(f"{name}_p") for name in of_book)])
