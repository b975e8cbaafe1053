"""pain.002, CustomerPaymentStatusReport: ISO 20022 status reports from providers, every version from .02 to .15."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.contracts import Feedback, Model, Source
from canonical.frames import ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, empty
from canonical.profiles import NoOptions
from parsers._feedback_pain002_paths import PAIN002
from parsers._feedback_statuses import StatusRows
from parsers._feedback_xml import new_reader, read_records
from parsers._iso_faults import Unreadable, findings_frame


@dataclass(frozen=True, slots=True)
class Pain002:
    """The format. See docs/formats/pain.002.md."""

    name: str = PAIN002.name
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = NoOptions

    def sniff(self, head: bytes) -> bool:
        """True when the first 4 KiB declare a pain.002 namespace or hold its element."""
        return PAIN002.sniff(head)

    def read(self, source: Source, options: NoOptions) -> Feedback:  # noqa: ARG002  the contract's signature
        """STATUSES and FINDINGS. Where a finding is FATAL the other frames are empty. Never raises for the provider."""
        reader, rows = new_reader(source, PAIN002), StatusRows()
        try:
            for record in read_records(source, reader):
                rows.add(record)
            statuses = rows.statuses()
            findings = pl.concat([findings_frame(reader.slips()), rows.findings()])
        except Unreadable as stop:
            statuses, findings = empty(STATUSES), findings_frame([stop.fault])
        return Feedback(
            PAIN002.name, reader.version, rows.header.get("message_id"), statuses, empty(STATEMENTS), empty(ENTRIES),
            checked(findings.sort("line", nulls_last=True, maintain_order=True), FINDINGS),
        )  # fmt: skip


FORMAT: Final = Pain002()
