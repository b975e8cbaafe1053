"""XLSX payment files: one row a payment, by the same template and the same mapping as CSV (docs/formats/xlsx.md).

Office Open XML (ECMA-376), read from its XML: text as it was typed, numbers as decimal text. The offset of a payment is
the number of its row in the sheet, its length 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.contracts import FileHeader, FormatFacts, Model, Source, Window
from canonical.frames import PAYMENTS, TOTALS, empty
from parsers._csv_header import facts_of, file_findings
from parsers._csv_template import TERMS
from parsers._xlsx_excerpt import excerpt
from parsers._xlsx_options import XlsxOptions
from parsers._xlsx_rows import windows
from parsers._xlsx_xml import Unreadable

_HEADER: Final = FileHeader("xlsx", "1")
_CELLS_MAX: Final = 500_000
_ZIP: Final = b"PK\x03\x04"
_END: Final = b"PK\x05\x06"
_MEMBERS: Final = (b"[Content_Types].xml", b"xl/workbook.xml", b"xl/worksheets/")

_FACTS: Final = FormatFacts(
    "xlsx",
    required=(
        "creditor_name", "creditor_account", "amount_text", "currency", "end_to_end_id", "requested_execution_date_text",
    ),
    required_debit=(
        "debtor_name", "debtor_account", "amount_text", "currency", "end_to_end_id", "requested_execution_date_text",
    ),
    terms=TERMS,
    agreed=facts_of,
    unread_back=True,
    of_cells=("xlsx-value",),
    places=("Payment", "Row"),
    rules=("xlsx-cells", "xlsx-direction", "xlsx-formula", "xlsx-header", "xlsx-hidden", "xlsx-summary", "xlsx-value"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class XlsxFormat:
    """The format `xlsx`. The bound is smaller in tests."""

    name: str = "xlsx"
    options: type[Model] = XlsxOptions
    facts: FormatFacts = _FACTS
    cells_max: int = _CELLS_MAX
    kind: ClassVar[Literal["payment"]] = "payment"

    def sniff(self, head: bytes) -> bool:
        """True for a zip archive whose first members are those of a workbook."""
        return head.startswith(_ZIP) and any(name in head for name in _MEMBERS)

    def complete(self, tail: bytes) -> bool:
        """True when the archive's directory stands at the end."""
        return _END in tail

    def excerpt(self, source: Source, kept: pl.DataFrame, options: XlsxOptions) -> bytes:
        """A workbook with the rows before the payments, those kept as text, and a total that fits."""
        return excerpt(source, kept, options)

    def windows(self, source: Source, options: XlsxOptions) -> Iterator[Window]:
        """Payments, then the declared totals; a workbook that cannot be read, or whose header names too little, is FATAL."""
        try:
            yield from windows(source, options, self.cells_max)
        except Unreadable as fault:
            yield Window(_HEADER, empty(PAYMENTS), empty(TOTALS), file_findings([fault.fault], "xlsx"))


FORMAT = XlsxFormat()
