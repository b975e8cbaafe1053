"""pain.002, CustomerPaymentStatusReport: the answer to a client's file, in version .03 (also the Swiss one) or .10 to .15.

Source: ISO 20022 pain.002.001.03 and .10 to .15; SIX pain.002.001.03.ch.02. docs/exports/pain.002.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import BinaryIO, ClassVar, Final, Literal

from pydantic import Field

from canonical.contracts import Answer
from canonical.profiles import Model
from exporters._iso_answer_group import group_xml
from exporters._iso_answer_rows import rows_xml, said_by_all
from exporters._iso_answer_version import VersionName, version_of
from exporters._iso_xml import write_column


class Options(Model):
    """`version`: the exact message. `rows`: every transaction, or only those that were not simply accepted.

    `sender`: GrpHdr/InitgPty/Nm, who answers.
    """

    version: VersionName = "pain.002.001.10"
    rows: Literal["all", "exceptions"] = "all"
    sender: str | None = Field(default=None, min_length=1, max_length=70, pattern=r"^[ -~\u00A0-\uD7FF]+$")


@dataclass(frozen=True, slots=True)
class Pain002:
    """The export. See docs/exports/pain.002.md."""

    name: str = "pain.002"
    kind: ClassVar[Literal["answer"]] = "answer"
    options: type[Model] = Options
    chosen: Options = field(default_factory=Options)

    def with_options(self, options: Options) -> Pain002:
        """The same export, as the client's profile wants it."""
        return replace(self, chosen=options)

    def suffix_of(self, answer: Answer) -> str:  # noqa: ARG002 - the same for every answer
        """How the answer's name ends."""
        return ".pain002.xml"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the answer; the same input gives the same bytes. Whatever the client's file held, the answer is valid."""
        version = version_of(self.chosen.version)
        out.write(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{version.namespace}"><CstmrPmtStsRpt>'.encode()
        )
        said = said_by_all(answer)
        out.write(group_xml(answer, version, self.chosen.sender, said).encode())
        exceptions = self.chosen.rows == "exceptions"
        for column in rows_xml(answer, version, exceptions_only=exceptions, said_once=bool(said)):
            write_column(column, out)
        out.write(b"</CstmrPmtStsRpt></Document>\n")


EXPORT: Final = Pain002()
