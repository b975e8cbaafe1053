"""Arrow arrays as columns, without a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class _Handed:
    """An array that shows nothing of itself but Arrow's C interface.

    Of a pyarrow array Polars would take its own way, which loads pyarrow's functions: a twentieth of a second at every start.
    """

    array: pa.Array

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[Any, Any]:
        found: tuple[Any, Any] = self.array.__arrow_c_array__(requested_schema)
        return found


def column(name: str, array: pa.Array) -> pl.Series:
    """The array as a column."""
    return pl.Series(values=_Handed(array)).alias(name)
