"""A table whose header stands below a title: where it is, and what to agree or to delete, instead of what the title lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from parsers._csv_header import Fault, read_header
from parsers._csv_options import TableOptions

TITLE_ROWS_MAX: Final = 10
"""So many rows below the first one are tried as the header."""


def header_below(rows: Iterable[tuple[int, list[str]]], options: TableOptions) -> list[Fault]:
    """The one fault of a table in which one of these rows (line, cells) is the header; none where none of them is."""
    for line, names in rows:
        layout, _ = read_header(names, options)
        if layout is not None:
            message = f"The header stands in line {line}; what stands above it is no part of the table"
            remedy = f"Delete the lines above the header, or agree skip_rows: {line - 1}."
            return [Fault("header", message, remedy, line=line)]
    return []
