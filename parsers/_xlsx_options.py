"""What a client agreed on about its workbooks."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from parsers._csv_options import TableOptions

_CONFUSING = re.compile(r"YYYY-D{1,2}-M{1,2}")


class XlsxOptions(TableOptions):
    """`sheet`: the tab that holds the payments, by default the first that is not hidden."""

    sheet: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _apart_from_iso(self) -> XlsxOptions:
        patterns = [self.date, *(column.date for column in self.columns.values() if column.date)]
        if any(_CONFUSING.fullmatch(pattern) for pattern in patterns):
            raise ValueError("YYYY-DD-MM cannot be told from the YYYY-MM-DD that a date cell becomes")
        return self
