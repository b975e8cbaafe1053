"""The first worksheet of an answer: what became of the file, what to do now, counts and sums, causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Answer
from canonical.counts import count_of
from exporters._answer_cases import Cases
from exporters._answer_causes import causes_of, with_others
from exporters._answer_layout import FAULT_FILL, WARNING_FILL, clean, lines_of, set_height
from exporters._answer_words import facts_of, in_all, reason_words, totals_of, verdict_of, without_sum
from exporters._sheets import Formats, print_on_a4, write_cell

_CAUSES_MAX: Final = 500
_SUMMARY_WIDTHS: Final = (30, 16, 18, 24, 46, 46)
_LEGEND: Final = (
    (FAULT_FILL, "is wrong (sheet Your rows); what to do stands beside it, in its row."),
    (WARNING_FILL, "is a warning: the payment goes on, but look at it."),
)


@dataclass(slots=True)
class _Page:
    """A worksheet that is written downwards."""

    sheet: Worksheet
    book: Workbook
    formats: Formats
    row: int = 0

    def line(self, values: tuple[Any, ...], kinds: tuple[str, ...] = (), currency: str | None = None) -> None:
        texts = [
            (len(value), width) for value, width in zip(values, _SUMMARY_WIDTHS, strict=False) if isinstance(value, str)
        ]
        set_height(self.sheet, self.row, max((lines_of(chars, width) for chars, width in texts), default=1))
        for column, value in enumerate(values):
            kind = kinds[column] if column < len(kinds) else "text"
            write_cell(
                self.sheet,
                self.formats,
                (self.row, column),
                clean(value) if isinstance(value, str) else value,
                kind,
                currency=currency,
            )
        self.row += 1

    def heads(self, *names: str, numbers: tuple[int, ...] = ()) -> None:
        for column, name in enumerate(names):
            self.sheet.write_string(self.row, column, name, self.formats.head("count" if column in numbers else "text"))
        self.row += 1

    def legend(self) -> None:
        """What the colours of the sheet of rows mean."""
        for fill, words in _LEGEND:
            write_cell(self.sheet, self.formats, (self.row, 0), "a cell like this", "text", fill=fill)
            self.sheet.write_string(self.row, 1, words, self.book.add_format({"font_size": 10, "indent": 1}))
            self.row += 1

    def fact(self, label: str, value: str) -> None:
        """A label and a value that may run on over the empty cells beside it."""
        self.sheet.write_string(self.row, 0, label, self.formats.of("@"))
        self.sheet.write_string(
            self.row, 1, clean(value), self.book.add_format({"num_format": "@", "font_size": 10, "indent": 1})
        )
        self.row += 1

    def wide(self, text: str, properties: dict[str, Any], height: int) -> None:
        """A sentence over the whole width."""
        form = self.book.add_format({"text_wrap": True, "valign": "top", **properties})
        self.sheet.set_row(self.row, height)
        self.sheet.merge_range(self.row, 0, self.row, len(_SUMMARY_WIDTHS) - 1, "", form)
        self.sheet.write_string(self.row, 0, clean(text), form)
        self.row += 1


def write_summary(book: Workbook, formats: Formats, answer: Answer, cases: Cases) -> None:
    """Verdict, what to do now, what names the file, counts and sums by status, causes."""
    page = _Page(book.add_worksheet("Summary"), book, formats)
    for column, width in enumerate(_SUMMARY_WIDTHS):
        page.sheet.set_column(column, column, width)
    verdict = verdict_of(answer)
    page.wide(verdict.headline, {"bold": True, "font_size": 16}, 24)
    page.wide(verdict.meaning, {"font_size": 12}, 18)
    page.wide(f"What to do now: {verdict.next_step}", {"font_size": 12, "bold": True}, 34)
    page.row += 1
    for label, value in facts_of(answer):
        page.fact(label, value)
    page.row += 1
    _totals(page, answer)
    if cases.marks:
        page.legend()
        page.row += 1
    _causes(page, answer, cases)
    page.sheet.set_footer("&L&A&RPage &P of &N")
    page.sheet.hide_gridlines(2)
    print_on_a4(page.sheet)


def _totals(page: _Page, answer: Answer) -> None:
    totals = totals_of(answer)
    if totals.is_empty():
        return
    page.heads("Payments", "Count", "Sum", "Currency", numbers=(1, 2))
    for one in (*totals.iter_rows(named=True), *in_all(totals).iter_rows(named=True)):
        none = one["unread"] == one["payments"]
        left_out = without_sum(answer, one["unread"]) if one["unread"] else None
        unread = f"and {left_out}" if left_out and not none else left_out
        values = (one["words"], one["payments"], None if none else one["sum_minor"], one["currency"], unread)
        page.line(values, ("text", "count", "money"), one["currency"])
    page.row += 1


def _causes(page: _Page, answer: Answer, cases: Cases) -> None:
    causes = causes_of(answer, rows_max=1)
    if causes:
        page.heads(
            "Reason",
            "Found",
            f"First {answer.facts.places[1].lower()}",
            "Where",
            "What is wrong",
            "What to do",
            numbers=(1, 2),
        )
    for cause in causes[:_CAUSES_MAX]:
        first = cause.rows.row(0, named=True)
        message = cause.message or f"{first['message']} (in the first of them)"
        words = f"Warning. {reason_words(cause.reason)}" if cause.warning else reason_words(cause.reason)
        where = cause.field or {"file": "the file", "batch": "a batch", "payment": "a payment"}[cause.level]
        remedy = cause.remedy or first["remedy"]
        page.line((words, cause.cases, first["line"], where, message, remedy), ("text", "count", "count"))
    page.row += 1
    for sentence in _sentences(answer, cases, len(causes)):
        page.wide(sentence, {"font_size": 10}, 18)


def _sentences(answer: Answer, cases: Cases, causes: int) -> list[str]:
    told = []
    if causes > _CAUSES_MAX:
        told.append(f"{causes - _CAUSES_MAX:,} more kinds of faults are in the sheet Findings.")
    if others := with_others(answer):
        told.append(others)
    if cases.left_out:
        told.append(
            f"{count_of(cases.left_out, 'more payment')} did not fit into the sheet of your rows: mend these first."
        )
    return told
