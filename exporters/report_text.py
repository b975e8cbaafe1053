"""report-text: a report as plain text, for a mail, a ticket or a terminal. UTF-8, lines of any length, one blank between parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

from canonical.contracts import Chart, Report
from exporters._report_tables import Page, page_of

ROWS_MAX: Final = 20
"""Rows of one table. A mail is glanced at; the rest is named with where it is."""
_BAR_CHARS_MAX: Final = 40
_CELL_CHARS_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class ReportText:
    """ReportExport: title, facts, charts, tables in columns, digests of the inputs."""

    name: ClassVar[str] = "report-text"
    kind: ClassVar[Literal["report"]] = "report"
    suffix: ClassVar[str] = ".txt"

    def write(self, report: Report, out: BinaryIO) -> None:
        """Write it. A control character of a client's text is a blank: nothing steers the terminal."""
        title = _plain(f"{report.title}, {report.scope}, {report.day}")
        parts = [[title, "=" * len(title)], _aligned([[f"{label}:", value] for label, value in _facts(report)])]
        parts += [_chart(chart) for chart in report.charts if chart.values]
        parts += [_table(report, page_of(sheet, ROWS_MAX)) for sheet in report.sheets]
        parts += [_aligned([[f"SHA-256 of {name}", digest] for name, digest in report.inputs])] if report.inputs else []
        out.write("\n\n".join("\n".join(part) for part in parts).encode() + b"\n")


def _facts(report: Report) -> list[tuple[str, str]]:
    if report.sign_off is None:
        return list(report.facts)
    signed = report.sign_off
    told = (("State", signed.state), ("Prepared by", signed.prepared_by), ("Reviewed by", signed.reviewed_by))
    return [*((label, value or "not yet") for label, value in told), *report.facts]


def _chart(chart: Chart) -> list[str]:
    most = max(*chart.values, 1)
    bars = [
        [label, "#" * (max(value, 0) * _BAR_CHARS_MAX // most), f"{value:,}"]
        for label, value in zip(chart.labels, chart.values, strict=True)
    ]
    return [_plain(f"{chart.title} ({chart.unit})"), *_aligned(bars, (False, False, True))]


def _table(report: Report, page: Page) -> list[str]:
    title = _plain(page.title)
    lines = [title, "-" * len(title)]
    if not page.rows:
        return [*lines, "None."]
    lines += [" · ".join(_plain(f"{label}: {value}") for label, value in page.same)] if page.same else []
    lines += _aligned([list(page.heads), *page.rows, *page.totals], page.rights)
    if len(page.rows) < page.rows_in_all:
        lines.append(
            f"The first {len(page.rows):,} of {page.rows_in_all:,} rows; all: {report.file_name}.xlsx, sheet {page.name}"
        )
    return lines


def _aligned(rows: list[list[str]], rights: tuple[bool, ...] = ()) -> list[str]:
    """Columns as wide as their longest cell, two blanks apart."""
    cells = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))] if cells else []
    places = rights or (False,) * len(widths)
    return [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, places, strict=True)
        ).rstrip()
        for row in cells
    ]


def _plain(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return shown if len(shown) <= _CELL_CHARS_MAX else f"{shown[: _CELL_CHARS_MAX - 1]}…"


EXPORT: Final = ReportText()
