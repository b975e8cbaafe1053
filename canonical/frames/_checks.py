"""Frames held against their schemas."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, NoReturn

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaError, SchemaErrors

from canonical.errors import ConfigError, FrameBroken


def dtypes(schema: pa.DataFrameSchema) -> dict[str, pl.DataType]:
    """Column name → Polars dtype, in order."""
    return {name: column.dtype.type for name, column in schema.columns.items()}


def empty(schema: pa.DataFrameSchema) -> pl.DataFrame:
    """A frame of that schema with no rows."""
    return pl.DataFrame(schema=dtypes(schema))


def arranged(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Put columns in the schema's order and add the missing ones as nulls (casting null columns).

    Raises:
        FrameBroken: a column too many, or a wrong dtype.
    """
    wanted = dtypes(schema)
    extra = sorted(set(frame.columns) - set(wanted))
    if extra:
        raise FrameBroken(f"frame {schema.name}: columns nobody knows: {', '.join(extra)}")
    if not frame.columns:
        return empty(schema)  # literals alone would make one row of nulls
    columns = [
        pl.lit(None, dtype=dtype).alias(name)
        if name not in frame.columns or frame.schema[name] == pl.Null
        else pl.col(name)
        for name, dtype in wanted.items()
    ]
    found = frame.select(columns)
    _refuse_other_dtypes(found, schema)
    return found


def conform(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """`arranged`, then `checked`.

    Raises:
        FrameBroken: a column too many, a wrong dtype, a null or a value that the schema forbids.
    """
    return checked(arranged(frame, schema), schema)


def checked(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """The frame itself, after its columns and dtypes were compared and pandera has looked at every value that has a rule.

    Raises:
        FrameBroken: it breaks its schema: our bug, never the client's.
    """
    _refuse_other_dtypes(frame, schema)
    if frame.is_empty():
        return frame  # no value to look at, and a look has a price of its own
    looked = _looked_at(schema)
    ruled = frame.select(looked.by_column.columns.keys())
    try:
        looked.at_once.validate(ruled)
    except (SchemaError, SchemaErrors):
        _tell(ruled, looked.by_column)
    return frame


def _tell(frame: pl.DataFrame, by_column: pa.DataFrameSchema) -> NoReturn:
    try:
        by_column.validate(frame, lazy=True)
    except (SchemaError, SchemaErrors) as fault:
        raise FrameBroken(f"frame {by_column.name} breaks its schema: {str(fault)[:2000]}") from fault
    raise AssertionError(f"the two looks at frame {by_column.name} differ")


def _refuse_other_dtypes(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> None:
    wanted = dtypes(schema)
    if list(frame.schema.items()) != list(wanted.items()):
        told = sorted(
            f"{name}: {frame.schema.get(name)} in place of {wanted.get(name)}"
            for name in {*wanted, *frame.columns}
            if frame.schema.get(name) != wanted.get(name)
        )
        raise FrameBroken(f"frame {schema.name} breaks its schema: {'; '.join(told) or 'columns are in another order'}")


@dataclass(frozen=True, slots=True)
class _Look:
    """The columns of a schema that forbid nulls or values: those that may be null and hold anything need no look.

    `at_once`: one check of the frame, a single pass of Polars. `by_column`: the same rules, told column by column.
    """

    at_once: pa.DataFrameSchema
    by_column: pa.DataFrameSchema


_LOOKS: Final[dict[int, tuple[pa.DataFrameSchema, _Look]]] = {}
"""By identity of the schema, which is kept beside: pandera's schemas have no hash."""


def _looked_at(schema: pa.DataFrameSchema) -> _Look:
    if id(schema) not in _LOOKS:
        columns = {name: column for name, column in schema.columns.items() if column.checks or not column.nullable}
        kept = [expression for name, column in columns.items() for expression in _kept(name, column)]

        def holds(data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.all_horizontal(pl.lit(value=True), *kept))

        at_once = pa.DataFrameSchema(checks=pa.Check(holds), name=schema.name)
        by_column = pa.DataFrameSchema(columns, name=schema.name, strict=True, ordered=True)
        _LOOKS[id(schema)] = schema, _Look(at_once, by_column)
    return _LOOKS[id(schema)][1]


def _kept(name: str, column: pa.Column) -> list[pl.Expr]:
    """One Boolean a rule of the column: all its values keep it."""
    values = pl.col(name)
    found = [] if column.nullable else [values.null_count() == 0]
    for check in column.checks:
        told = check.statistics
        match check.name:
            case "greater_than_or_equal_to":
                found.append((values.min() >= told["min_value"]).fill_null(value=True))
            case "less_than_or_equal_to":
                found.append((values.max() <= told["max_value"]).fill_null(value=True))
            case "isin":
                found.append(values.is_in(list(told["allowed_values"])).all())
            case other:
                raise AssertionError(f"{name}: nobody has said how to look at {other} in one pass")
    return found


def refuse_if_pandera_is_off() -> None:
    """Start-up check: an environment that switches pandera off would let broken frames through in silence.

    Raises:
        ConfigError: PANDERA_VALIDATION_ENABLED or PANDERA_VALIDATION_DEPTH is set to something that weakens the checks.
    """
    if os.environ.get("PANDERA_VALIDATION_ENABLED", "True").lower() not in {"true", "1"}:
        raise ConfigError("PANDERA_VALIDATION_ENABLED switches the frame checks off; unset it")
    if os.environ.get("PANDERA_VALIDATION_DEPTH", "SCHEMA_AND_DATA") != "SCHEMA_AND_DATA":
        raise ConfigError("PANDERA_VALIDATION_DEPTH weakens the frame checks; unset it")
