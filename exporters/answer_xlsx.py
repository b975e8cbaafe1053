"""answer-xlsx: the answer as a workbook: what became of the file, the client's own rows with their faulty cells, findings.

Office Open XML (ECMA-376) written by XlsxWriter. Amounts and dates are real ones; text is always text, so that no cell runs; the
same answer gives the same bytes. The rows are the client's own, unmasked: for its own outbox only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import BinaryIO, ClassVar, Final, Literal

from pydantic import Field
from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Answer, Model
from exporters._answer_cases import cases_of
from exporters._answer_sheets import write_findings, write_rows
from exporters._answer_summary import write_summary
from exporters._sheets import Formats

_ROWS_MAX: Final = 1_000_000
"""Rows of one worksheet (the format ends at 1,048,576)."""
_OPTIONS: Final = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip


class XlsxAnswerOptions(Model):
    """`rows_max`: most rows of each sheet (20,000 take some 6 s); what is left out is said in the summary."""

    rows_max: int = Field(default=20_000, ge=1, le=_ROWS_MAX)


@dataclass(frozen=True, slots=True)
class XlsxAnswer:
    """The answer `answer-xlsx`, with the options it was given."""

    name: str = "answer-xlsx"
    options: type[Model] = XlsxAnswerOptions
    chosen: XlsxAnswerOptions = field(default_factory=XlsxAnswerOptions)
    kind: ClassVar[Literal["answer"]] = "answer"

    def with_options(self, options: XlsxAnswerOptions) -> XlsxAnswer:
        """The same export, as the client's profile wants it."""
        return replace(self, chosen=options)

    def suffix_of(self, answer: Answer) -> str:  # noqa: ARG002 - the same for every answer
        """How the answer's name ends."""
        return ".xlsx"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the workbook; `out` needs no seek."""
        cases = cases_of(answer, self.chosen.rows_max)
        with Workbook(out, _OPTIONS) as book:
            created = answer.created.replace(tzinfo=None, microsecond=0)
            book.set_properties({"title": "Answer to a payment file", "created": created})
            formats = Formats(book, indent=1)
            write_summary(book, formats, answer, cases)
            if cases.frame.height:
                write_rows(book, formats, cases, answer.facts.places)
            if answer.findings.height and answer.duplicate_of is None:
                write_findings(book, formats, answer, self.chosen.rows_max)


EXPORT: Final = XlsxAnswer()
