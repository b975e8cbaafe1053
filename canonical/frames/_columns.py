"""How the columns of a schema are written."""

from __future__ import annotations

from typing import Final

import pandera.polars as pa
import polars as pl

from canonical.codes import CreditDebit, Level
from canonical.limits import AMOUNT_MINOR_MAX, ENTRY_MINOR_MAX

DIRECTIONS: Final = [item.value for item in CreditDebit]
LEVELS: Final = [item.value for item in Level]


def text(meaning: str, *, required: bool = False) -> pa.Column:
    return pa.Column(pl.String, nullable=not required, description=meaning)


def integer(
    meaning: str, *, required: bool = False, minimum: int | None = None, maximum: int | None = None
) -> pa.Column:
    checks = []
    if minimum is not None:
        checks.append(pa.Check.ge(minimum))
    if maximum is not None:
        checks.append(pa.Check.le(maximum))
    return pa.Column(pl.Int64, checks, nullable=not required, description=meaning)


def amount(meaning: str, *, required: bool = False, maximum: int = AMOUNT_MINOR_MAX) -> pa.Column:
    return integer(f"{meaning}, minor units", required=required, minimum=0, maximum=maximum)


def booked_amount(meaning: str, *, required: bool = False) -> pa.Column:
    """Of an entry, or of what is made of one."""
    return amount(meaning, required=required, maximum=ENTRY_MINOR_MAX)


def code(meaning: str, values: list[str], *, required: bool = True) -> pa.Column:
    return pa.Column(pl.String, pa.Check.isin(values), nullable=not required, description=meaning)


def schema(name: str, **columns: pa.Column) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, name=name, strict=True, ordered=True)
