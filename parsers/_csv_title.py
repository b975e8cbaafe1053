"""A table whose header stands below a title: where it is, and what to agree or to delete, instead of what the title lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from parsers._csv_blocks import Encoded, read_head
from parsers._csv_header import Fault
from parsers._csv_options import CsvOptions

TITLE_ROWS_MAX: Final = 10
"""So many rows below the first one are tried as the header."""


def rows_below(file: Encoded, options: CsvOptions) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of the rows below the one where the header was looked for."""
    for more in range(1, TITLE_ROWS_MAX + 1):
        head, _ = read_head(file, options.model_copy(update={"skip_rows": options.skip_rows + more}))
        if head is not None and head.names is not None:
            yield head.line, head.names


def header_below(rows: Iterable[tuple[int, list[str]]], is_header: Callable[[list[str]], bool]) -> list[Fault]:
    """The one fault of a table in which one of these rows (line, cells) is the header; none where none of them is."""
    for line, names in rows:
        if is_header(names):
            message = f"The header stands in line {line}; what stands above it is no part of the table"
            remedy = f"Delete the lines above the header, or agree skip_rows: {line - 1}."
            return [Fault("header", message, remedy, line=line)]
    return []
