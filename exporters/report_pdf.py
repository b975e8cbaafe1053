"""report-pdf: a report as a PDF to be filed and signed: key figures, charts, sign-off, tables, digests of the inputs.

PDF/A-2a (ISO 19005-2, tagged) set by typst from the template beside this module, with typst's own fonts and the report's
day as its date: the same report gives the same bytes. The report comes to the template as JSON; none of it is markup.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from textwrap import wrap
from typing import Any, BinaryIO, ClassVar, Final, Literal
from unicodedata import category, normalize

import typst

from canonical.contracts import Chart, Report, SignOff
from exporters._report_tables import Page, page_of

ROWS_MAX: Final = 60
"""Rows of one table on paper. The rest is named with where it is: a PDF of a million rows is read by nobody."""
_LETTERS: Final = (
    (0x20, 0x2FF), (0x370, 0x4FF), (0x1E00, 0x1FFF), (0x2010, 0x2040), (0x20A0, 0x20CF), (0x2190, 0x22FF), (0x2500, 0x25FF),
)  # fmt: skip
"""Code points that typst's fonts draw, where assigned; PDF/A has no other. A test sets each of them."""
_NO_LETTER: Final = "□"
_OTHER: Final = "C"
"""General category of what is no letter: controls, formats, surrogates, what is unassigned."""
_WORD_CHARS_MAX: Final = 12
"""Numbers and dates are shorter; what is longer may go on in the next line."""
_TEXT_CHARS_MAX: Final = 44
_CELL_CHARS_MAX: Final = 400
_PIECE_CHARS: Final = 6
_BREAK_HERE: Final = "\u200b"
_NARROW_CHARS_MAX: Final = 72
_NARROW_ROWS_MAX: Final = 12
"""A table of so many rows is kept on one page, and stands beside another one where both are narrow."""
_HEAD_CHARS_MIN: Final = 12
"""A head takes so much in one line before it is wrapped."""
_SIZES: Final = ((110, 9), (150, 8), (185, 7))
"""Characters of a row up to which the size in points is taken."""
_SIZE_LEAST: Final = 6
_THOUSANDTHS: Final = 1000


@dataclass(frozen=True, slots=True)
class ReportPdf:
    """ReportExport: one document."""

    name: ClassVar[str] = "report-pdf"
    kind: ClassVar[Literal["report"]] = "report"
    suffix: ClassVar[str] = ".pdf"

    def write(self, report: Report, out: BinaryIO) -> None:
        """Set it and write it whole."""
        told = _document(report)
        legible = json.dumps(_legible(told), ensure_ascii=False)
        lacking = legible.count(_NO_LETTER) > json.dumps(told, ensure_ascii=False).count(_NO_LETTER)
        written = typst.compile(
            _template(),
            font_paths=_fonts(),
            sys_inputs={"report": legible, "boxes": _boxes(report) if lacking else ""},
            pdf_standards="a-2a",
            timestamp=dt.datetime.combine(report.day, dt.time(), dt.UTC),
        )
        out.write(written)


@cache
def _fonts() -> typst.Fonts:
    """Those that typst carries: a page looks alike on every machine."""
    return typst.Fonts(include_system_fonts=False)


@cache
def _template() -> bytes:
    return files("exporters").joinpath("_report.typ").read_bytes()


def _document(report: Report) -> dict[str, Any]:
    """All that stands in the document, as text."""
    return {
        "title": report.title, "scope": report.scope, "day": report.day.isoformat(),
        "date": [report.day.year, report.day.month, report.day.day], "file": report.file_name,
        "state": report.sign_off.state if report.sign_off else None, "signers": _signers(report.sign_off),
        "facts": [[label, value] for label, value in report.facts],
        "charts": [_chart(chart) for chart in report.charts if chart.values],
        "tables": _beside([_table(report, page_of(sheet, ROWS_MAX)) for sheet in report.sheets]),
        "kept_rows_max": _NARROW_ROWS_MAX, "inputs": [[name, digest] for name, digest in report.inputs],
    }  # fmt: skip


def _boxes(report: Report) -> str:
    """What a box stands for, and where the letter is."""
    name = report.file_name
    return f"{_NO_LETTER} stands for a letter that this document cannot show: {name}.xlsx and {name}.csv have it."


def _legible(told: Any) -> Any:
    """The document with every character that the fonts lack as a box: a client's text never keeps a day from being closed."""
    if isinstance(told, str):
        return (
            told if told.isascii() and told.isprintable() else "".join(_letter(sign) for sign in normalize("NFC", told))
        )
    if isinstance(told, list):
        return [_legible(item) for item in told]
    if isinstance(told, dict):
        return {name: _legible(item) for name, item in told.items()}
    return told


def _letter(sign: str) -> str:
    if sign.isspace():
        return " "
    code = ord(sign)
    known = any(first <= code <= last for first, last in _LETTERS) and not category(sign).startswith(_OTHER)
    return sign if known or sign == _BREAK_HERE else _NO_LETTER


def _signers(sign_off: SignOff | None) -> list[dict[str, str]]:
    if sign_off is None:
        return []
    return [
        {"role": "Prepared by", "name": sign_off.prepared_by, "at": sign_off.prepared_at},
        {"role": "Reviewed by", "name": sign_off.reviewed_by, "at": sign_off.reviewed_at},
    ]


def _chart(chart: Chart) -> dict[str, Any]:
    most = max(*chart.values, 1)
    bars = [
        {"label": label, "share": max(value, 0) * _THOUSANDTHS // most, "shown": f"{value:,}"}
        for label, value in zip(chart.labels, chart.values, strict=True)
    ]
    return {"title": f"{chart.title} ({chart.unit})", "bars": bars}


def _table(report: Report, page: Page) -> dict[str, Any]:
    """A table's cells, and the size of their letters: the more a row holds, the smaller."""
    room = sum(min(_longest(page, column), _TEXT_CHARS_MAX) for column in range(len(page.heads)))
    return {
        "title": page.title,
        "note": " · ".join(f"{label}: {value}" for label, value in page.same) if page.rows else "None.",
        "heads": [_head(page, column) for column in range(len(page.heads))], "rights": list(page.rights),
        "narrow": room <= _NARROW_CHARS_MAX and len(page.rows) <= _NARROW_ROWS_MAX,
        "size": next((size for chars_max, size in _SIZES if room <= chars_max), _SIZE_LEAST),
        "rows": [[_breakable(cell) for cell in row] for row in page.rows],
        "totals": page.totals, "cut": _cut(report, page),
    }  # fmt: skip


def _beside(tables: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Two small tables that follow one another share a row of the page."""
    rows: list[list[dict[str, Any]]] = []
    for table in tables:
        if rows and len(rows[-1]) == 1 and rows[-1][0]["narrow"] and table["narrow"]:
            rows[-1].append(table)
        else:
            rows.append([table])
    return rows


def _head(page: Page, column: int) -> list[str]:
    """A head in lines no longer than the cells below it, so that it takes no room from other columns."""
    return wrap(
        page.heads[column], max(_longest(page, column), _HEAD_CHARS_MIN), break_long_words=False, break_on_hyphens=False
    )


def _longest(page: Page, column: int) -> int:
    """Characters of the longest of a column's cells and of the words of its head."""
    words = page.heads[column].split()
    return max(len(text) for text in [*words, "", *(row[column] for row in [*page.rows, *page.totals])])


def _breakable(text: str) -> str:
    """Long words may be broken, so that no account or id runs over its neighbour."""
    if len(text) <= _WORD_CHARS_MAX:
        return text
    whole = text.replace(_BREAK_HERE, "")
    cut = whole if len(whole) <= _CELL_CHARS_MAX else f"{whole[:_CELL_CHARS_MAX]}…"
    return " ".join(word if len(word) <= _WORD_CHARS_MAX else _pieces(word) for word in cut.split(" "))


def _pieces(word: str) -> str:
    return _BREAK_HERE.join(word[start : start + _PIECE_CHARS] for start in range(0, len(word), _PIECE_CHARS))


def _cut(report: Report, page: Page) -> str:
    if len(page.rows) == page.rows_in_all:
        return ""
    whole = f"{report.file_name}.xlsx, sheet {page.name}"
    return f"The first {len(page.rows):,} of {page.rows_in_all:,} rows. All of them: {whole}. Totals are of all rows."


EXPORT: Final = ReportPdf()
