"""pain.002, CustomerPaymentStatusReport: the answer to a client's file, in version .10 or .03.

Source: ISO 20022 pain.002.001.10 and pain.002.001.03; what is written is named alike in both. docs/exports/pain.002.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import BinaryIO, ClassVar, Final, Literal

from canonical.contracts import Answer
from canonical.profiles import Model
from exporters._iso_answer_group import group_xml
from exporters._iso_answer_rows import SLICE_ROWS, answer_rows, row_xml
from exporters._iso_xml import write_rows


class Options(Model):
    """`version`: the exact message. `rows`: every transaction, or only those that were not simply accepted."""

    version: Literal["pain.002.001.10", "pain.002.001.03"] = "pain.002.001.10"
    rows: Literal["all", "exceptions"] = "all"


@dataclass(frozen=True, slots=True)
class Pain002:
    """The export. See docs/exports/pain.002.md."""

    name: str = "pain.002"
    kind: ClassVar[Literal["answer"]] = "answer"
    suffix: str = ".pain002.xml"
    options: type[Model] = Options
    chosen: Options = field(default_factory=Options)

    def with_options(self, options: Options) -> Pain002:
        """The same export, as the client's profile wants it."""
        return replace(self, chosen=options)

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the answer; the same input gives the same bytes. Whatever the client's file held, the answer is valid."""
        version = self.chosen.version
        out.write(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}">'
            "<CstmrPmtStsRpt>".encode()
        )
        out.write(group_xml(answer, version).encode())
        rows = answer_rows(answer, version, exceptions_only=self.chosen.rows == "exceptions")
        for offset in range(0, rows.height, SLICE_ROWS):
            write_rows(rows.slice(offset, SLICE_ROWS), row_xml(), out)
        out.write(b"</CstmrPmtStsRpt></Document>\n")


EXPORT: Final = Pain002()
