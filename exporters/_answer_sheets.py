"""The worksheets of an answer behind its summary: the client's own rows with their faulty cells, and every finding.

Rows are written top to bottom, left to right, as XlsxWriter's constant memory wants it.
"""

from __future__ import annotations

import re
from typing import Any, Final

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Answer
from canonical.frames import FINDINGS, conform
from exporters._answer_cases import Cases, Mark, key_columns
from exporters._answer_layout import FAULT_FILL, WARNING_FILL, clean, finish, head, heights, legible, set_height
from exporters._answer_words import heading_of, reason_words
from exporters._sheets import Formats, write_cell

_NOTES_MAX: Final = 2_000
"""Cells with a note: more make a workbook that opens slowly. The columns beside say the same of every row."""
_WIDTH_MAX: Final = 32
_WIDTH_ROWS: Final = 1_000
_WIDTHS: Final = {"reason": 9, "message": 48, "remedy": 46, "status": 12, "row": 9, "line": 7}
_HEADINGS: Final = {
    "status": "Status", "reason": "Reason", "message": "What is wrong", "remedy": "What to do",
}  # fmt: skip
_TYPED: Final = {
    "amount_text": ("money", "amount_minor"),
    "requested_execution_date_text": ("date", "requested_execution_date"),
    "mandate_date_text": ("date", "mandate_date"),
}
"""Text column → kind and column of the value that it was read as."""


# ---------------------------------------------------------------------------------------------- rows


def write_rows(book: Workbook, formats: Formats, cases: Cases, places: tuple[str, str]) -> None:
    """The client's own rows under the client's own headings, faulty cells filled, framed and noted, the remedy beside."""
    sheet = book.add_worksheet("Your rows")
    near, far = _split(cases)
    names = ["row", "line", "status", *near, "reason", "message", "remedy", *far]
    known = {**_HEADINGS, "row": places[0], "line": places[1]}
    heads = {name: known.get(name) or cases.columns[name] for name in names}
    frame = legible(cases.frame)
    widths = {name: _width(name, title, frame) for name, title in heads.items()}
    head(sheet, formats, heads, widths)
    lines, notes = heights(frame, widths), 0
    for index, values in enumerate(frame.iter_rows(named=True)):
        set_height(sheet, index + 1, lines[index])
        for column, name in enumerate(names):
            marks = cases.marks.get((index, name), [])
            _row_cell(sheet, formats, (index + 1, column), name, values, marks)
            if marks and notes < _NOTES_MAX:
                notes += 1
                _note(sheet, (index + 1, column), marks)
    sheet.print_area(0, 0, max(frame.height, 1), len(names) - len(far) - 1)
    finish(sheet, frame.height, len(names), frozen=3)


def _split(cases: Cases) -> tuple[list[str], list[str]]:
    """Columns that stand before the reason (what names a payment, and what is marked), and those behind the remedy."""
    marked = {column for _, column in cases.marks}
    keys = [name for name in key_columns(cases.frame["credit_debit"].unique()) if name in cases.columns]
    near = keys + [name for name in cases.columns if name in marked and name not in keys]
    return near, [name for name in cases.columns if name not in near]


def _width(name: str, title: str, frame: pl.DataFrame) -> int:
    if name in _WIDTHS:
        return _WIDTHS[name]
    longest = frame.head(_WIDTH_ROWS).select(pl.col(name).cast(pl.String).str.len_chars().max()).item() or 0
    word = max((len(part) for part in re.split(r"[\s/]", title)), default=0) + 3
    return int(min(max(longest + 2, word, 9), _WIDTH_MAX))


def _row_cell(
    sheet: Worksheet, formats: Formats, place: tuple[int, int], name: str, values: dict[str, Any], marks: list[Mark]
) -> None:  # fmt: skip
    fill = ""
    if marks:
        fill = FAULT_FILL if marks[0].severity != "warning" else WARNING_FILL
    kind, typed = _TYPED.get(name, ("count" if name in {"row", "line"} else "text", name))
    value = values[typed]
    if value is None and typed != name:
        kind, value = "text", values[name]
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if value is not None or fill:
        write_cell(sheet, formats, place, value, kind, currency=values["currency"], fill=fill)


def _note(sheet: Worksheet, place: tuple[int, int], marks: list[Mark]) -> None:
    text = "\n\n".join(mark.text for mark in marks)
    lines = 2 + len(text) // 45 + text.count("\n")
    options = {"author": "", "width": 300, "height": 18 * lines, "font_size": 10}
    sheet.write_comment(*place, clean(text), options)


# ---------------------------------------------------------------------------------------------- findings


def write_findings(book: Workbook, formats: Formats, answer: Answer, rows_max: int) -> None:
    """Every finding, of file, batches and payments, errors first; values masked as everywhere."""
    sheet = book.add_worksheet("Findings")
    terms, (payment, line) = answer.facts.terms, answer.facts.places
    columns = {
        "severity": ("Severity", 10), "level": ("About", 10), "line": (line, 8), "row": (payment, 9), "batch_id": ("Batch", 16),
        "end_to_end_id": (heading_of("end_to_end_id", terms), 20), "reason": ("Reason", 28), "field": ("Where", 28),
        "value": ("What stood there", 24), "message": ("What is wrong", 56), "remedy": ("What to do", 50), "rule": ("Rule", 20),
    }  # fmt: skip
    widths = {name: width for name, (_, width) in columns.items()}
    head(sheet, formats, {name: title for name, (title, _) in columns.items()}, widths)
    warned = pl.col("severity") == "warning"
    kept = conform(answer.findings, FINDINGS).sort(warned, maintain_order=True).head(rows_max)
    words = {code: reason_words(code) for code in kept["reason"].unique()}
    places = {name: heading_of(name, terms) for name in kept["field"].drop_nulls().unique()}
    findings = legible(kept.with_columns(pl.col("reason").replace(words), pl.col("field").replace(places)))
    lines = heights(findings, widths)
    for number, values in enumerate(findings.iter_rows(named=True), 1):
        set_height(sheet, number, lines[number - 1])
        for column, name in enumerate(columns):
            if values[name] is not None:
                kind = "count" if name in {"row", "line"} else "text"
                write_cell(sheet, formats, (number, column), values[name], kind)
    finish(sheet, findings.height, len(columns), frozen=0)
