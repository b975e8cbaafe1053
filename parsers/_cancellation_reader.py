"""Read a cancellation request of either format: the reader that bank feedback is read with, in words for the client."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import polars as pl

from canonical.contracts import Cancellation, FileHeader, Source
from canonical.findings import WARNS
from canonical.frames import CANCELLATIONS, FINDINGS, checked, empty
from canonical.profiles import Model
from parsers._cancellation_findings import findings
from parsers._cancellation_rows import RequestRows, requests
from parsers._feedback_shapes import Message
from parsers._feedback_xml import Reader, read_records
from parsers._iso_faults import Fault, Unreadable, findings_frame
from parsers._xml_bytes import declared_encoding

_HEAD_BYTES: Final = 1024
_CLOSED: Final = re.compile(rb"</(?:[\w.-]+:)?Document\s*>(?:\s|<!--.*?-->|</[\w.:-]+\s*>)*\Z", re.DOTALL)
_SCHEMA: Final = "Write it as the schema of the message has it. What could be read was read."


class Options(Model):
    """Nothing to agree: version, encoding and namespace are in the file."""


class ClientReader(Reader):
    """The reader of ISO messages, with remedies for who sends requests instead of who receives reports."""

    def refuse(self, fault: Fault) -> None:
        """End the reading at the event at hand."""
        if fault.rule == "iso-message":
            example = f"urn:iso:std:iso:20022:tech:xsd:{self._message.name}.001.08"
            fault = replace(fault, remedy=f"Send one Document, in a namespace such as {example}.")
        super().refuse(fault)

    def slips(self) -> list[Fault]:
        """What breaks the schema in the elements that are read: one warning for each kind and element."""
        return [replace(fault, remedy=_SCHEMA) for fault in super().slips()]


def is_closed(tail: bytes) -> bool:
    """True when nothing but closing tags and comments follows `</Document>`, in any encoding that holds ASCII."""
    return _CLOSED.search(tail.replace(b"\0", b"")) is not None


def read_requests(source: Source, message: Message) -> Cancellation:
    """CANCELLATIONS and FINDINGS of a file. Where a finding is FATAL there are no requests. Never raises for the client."""
    declared = declared_encoding(source.data[:_HEAD_BYTES])
    # expat reads the declaration itself; only the names of UTF-8 that it does not know are told.
    reader, gathered = ClientReader(message, "utf-8" if declared == "utf-8" else None), RequestRows()
    try:
        for record in read_records(source, reader):
            gathered.add(record)
        rows = gathered.rows()
        asked, found = requests(rows), pl.concat([findings_frame(reader.slips()), findings(rows, gathered)])
    except Unreadable as stop:
        asked, found = empty(CANCELLATIONS), findings_frame([stop.fault])
    header = FileHeader(
        message.name, reader.version or message.name, gathered.header.get("message_id"), gathered.header.get("created"),
        gathered.header.get("initiating_party"),
    )  # fmt: skip
    # Errors before warnings in one line: the first one is the reason that the client reads.
    told = found.sort("line", WARNS, nulls_last=True, maintain_order=True)
    return Cancellation(header, asked, checked(told, FINDINGS))
