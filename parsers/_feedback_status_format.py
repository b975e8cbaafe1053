"""pain.002, pacs.002, pacs.004 and camt.029 from bytes to Feedback: what the messages on payments share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import polars as pl

from canonical.contracts import Feedback, Source
from canonical.frames import ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, empty
from canonical.profiles import Model, NoOptions
from parsers._cbi_physical import refused_file, speaks_of_a_file
from parsers._feedback_status_paths import StatusMessage
from parsers._feedback_statuses import StatusRows
from parsers._feedback_xml import new_reader, read_records
from parsers._iso_faults import Unreadable, findings_frame


@dataclass(frozen=True, slots=True)
class StatusFormat:
    """The format of one of these messages."""

    of: StatusMessage
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = NoOptions

    @property
    def name(self) -> str:
        """Name of the message."""
        return self.of.message.name

    def sniff(self, head: bytes) -> bool:
        """True when these bytes declare a namespace of the message or hold its element."""
        return self.of.message.sniff(head) or (bool(self.of.message.bare) and speaks_of_a_file(head))

    def read(self, source: Source, options: NoOptions) -> Feedback:  # noqa: ARG002  the contract's signature
        """STATUSES and FINDINGS. Where a finding is FATAL the other frames are empty. Never raises for the provider."""
        refused = refused_file(source.data) if self.of.message.bare else None
        reader, rows = new_reader(source, self.of.message), StatusRows(self.of)
        try:
            for record in read_records(source, reader):
                rows.add(record)
            statuses = rows.statuses(reader.said("case_id"))
            findings = pl.concat([findings_frame([*reader.slips(), *([refused] if refused else [])]), rows.findings()])
        except Unreadable as stop:
            # CBI answers a file that it refused as a whole with no logical message at all.
            alone = refused if stop.fault.rule == "iso-message" else None
            statuses, findings = empty(STATUSES), findings_frame([alone or stop.fault])
        return Feedback(
            self.name, reader.version, rows.header.get("message_id"), statuses, empty(STATEMENTS), empty(ENTRIES),
            checked(findings.sort("line", nulls_last=True, maintain_order=True), FINDINGS),
        )  # fmt: skip
