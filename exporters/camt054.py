"""camt.054, BankToCustomerDebitCreditNotification: what banks booked of a client's payments, in the client's own terms.

Source: ISO 20022 camt.054.001.02, .04 and .08; external code sets (bank transaction code, return reason). docs/exports/camt.054.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import BinaryIO, ClassVar, Final, Literal

from canonical.ahead import ahead
from canonical.contracts import Answer
from canonical.profiles import Model
from exporters._iso_notification import VersionName, placed, row_xml, version_of
from exporters._iso_xml import literal, write_column

SLICE_ROWS: Final = 25_000


class Options(Model):
    """`version`: the exact message. `entries`: one for a batch that asked for it (`as_asked`), for every batch, or for none.

    `details`: a batch's entry lists its payments.
    """

    version: VersionName = "camt.054.001.08"
    entries: Literal["as_asked", "batch", "single"] = "as_asked"
    details: bool = True


@dataclass(frozen=True, slots=True)
class Camt054:
    """The export. See docs/exports/camt.054.md."""

    name: str = "camt.054"
    kind: ClassVar[Literal["answer"]] = "answer"
    options: type[Model] = Options
    chosen: Options = field(default_factory=Options)

    def with_options(self, options: Options) -> Camt054:
        """The same export, as the client's profile wants it."""
        return replace(self, chosen=options)

    def suffix_of(self, answer: Answer) -> str:  # noqa: ARG002 - the same for every answer
        """How the answer's name ends."""
        return ".camt054.xml"

    def write(self, answer: Answer, out: BinaryIO) -> None:
        """Write the bookings that the client was not told of yet; nothing where there are none, or for a copy of a file."""
        if answer.duplicate_of is not None:
            return
        booked = answer.bookings()
        if booked.is_empty():
            return
        version = version_of(self.chosen.version)
        created = answer.created.replace(microsecond=0).isoformat()
        head = f"<GrpHdr><MsgId>{literal(answer.answer_id)}</MsgId><CreDtTm>{created}</CreDtTm></GrpHdr>"
        start = f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{version.namespace}"><BkToCstmrDbtCdtNtfctn>{head}'
        out.write(start.encode())
        rows = placed(booked, answer.answer_id, created, version, self.chosen.entries)
        xml = row_xml(version, details=self.chosen.details).alias("xml")
        slices = (rows.slice(offset, SLICE_ROWS) for offset in range(0, rows.height, SLICE_ROWS))
        for column in ahead(part.select(xml)["xml"] for part in slices):
            write_column(column, out)
        out.write(b"</BkToCstmrDbtCdtNtfctn></Document>\n")


EXPORT: Final = Camt054()
