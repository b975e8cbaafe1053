"""Cells of tables that people open in a spreadsheet: none of them is to run (OWASP, CSV injection)."""

from __future__ import annotations

from typing import Final

import polars as pl

RUNS: Final = r"^\s*[=+\-@\t\r\n]"
"""A text that a spreadsheet may take for a formula, also behind blanks."""


def harmless(text: pl.Expr) -> pl.Expr:
    """A String column with an apostrophe before each text that would run; nulls stay null."""
    return pl.when(text.str.contains(RUNS)).then(pl.lit("'") + text).otherwise(text)


def harmless_csv(frame: pl.DataFrame) -> str:
    """A frame as CSV with every text harmless; dates and numbers as they are."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    return frame.with_columns(harmless(pl.col(name)).alias(name) for name in texts).write_csv()
