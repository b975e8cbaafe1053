"""Windows from the exact reader, and the assembly that both readers share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from canonical.contracts import FileHeader, Source, Window
from canonical.frames import FINDINGS, empty
from parsers._iso_faults import MISPLACED, Fault, Unreadable, empty_file, findings_frame
from parsers._iso_frames import payments_frame, raw_frame, totals_frame
from parsers._iso_paths import Message
from parsers._iso_reader import Reader
from parsers._iso_row_faults import row_faults
from parsers._xml_bytes import declared_encoding
from parsers._xml_feed import SLICE_BYTES

HEAD_BYTES: Final = 1024


def new_reader(source: Source, message: Message, *, bodies: bool = True) -> Reader:
    """A reader for these bytes. expat reads the declaration itself; only aliases it does not know are named to it."""
    declared = declared_encoding(source.data[:HEAD_BYTES])
    return Reader(source.data, message, "utf-8" if declared == "utf-8" else None, bodies=bodies)


@dataclass(frozen=True, slots=True)
class Taken:
    """What the reader found since the last window, but for its payments: all that is needed to make the window."""

    source: Source
    message: Message
    header: FileHeader | None
    batches: Mapping[int, Mapping[str, Any]]
    totals: Sequence[Mapping[str, Any]]
    faults: Sequence[Fault]
    unreadable: int

    def window(self, raw: pl.DataFrame) -> Window:
        """The window of these payments."""
        payments = payments_frame(raw, self.batches, self.source.file_id, self.message)
        findings = _findings(self.faults, row_faults(raw, payments, self.message))
        return Window(self.header, payments, totals_frame(self.totals), findings, self.unreadable)


def take(source: Source, reader: Reader, *, first: bool, resume: int = 0, fatal: Fault | None = None) -> Taken:
    """Take from the reader what it found since the last time. Items before `resume` were told."""
    faults = [fault for fault in reader.faults if fault.offset >= resume]
    totals = [total for total in reader.totals if total["offset"] >= resume]
    unreadable = sum(fault.rule == MISPLACED for fault in faults)
    unreadable += int(fatal is not None and reader.open_row is not None)
    header = _header(reader) if first else None
    told = [*faults, *([fatal] if fatal else [])]
    taken = Taken(source, reader.message, header, reader.batches, totals, told, unreadable)
    reader.faults, reader.totals = [], []
    # Batches that are closed are not asked for again; a file may have a million of them.
    reader.batches = {batch: said for batch, said in reader.batches.items() if batch == reader.batch}
    return taken


def _findings(faults: Sequence[Fault], others: pl.DataFrame) -> pl.DataFrame:
    if not faults and others.is_empty():
        return empty(FINDINGS)
    return pl.concat([findings_frame(faults), others]).sort("line", maintain_order=True, nulls_last=True)


def _header(reader: Reader) -> FileHeader:
    said = reader.header
    name = reader.message.name
    return FileHeader(name, reader.version or "", said.get("MsgId"), said.get("CreDtTm"), said.get("InitgPty/Nm"))


def exact_windows(source: Source, message: Message, window_bytes: int, resume: int = 0) -> Iterator[Window]:
    """Every window, read by expat alone. `resume`: byte offset up to which everything was told already."""
    reader, size = new_reader(source, message), len(source.data)
    if not size:
        yield take(source, reader, first=True, fatal=empty_file()).window(raw_frame([], message))
        return
    first, told = resume == 0, resume
    fatal: Fault | None = None
    for start in range(0, size, SLICE_BYTES):
        end = min(start + SLICE_BYTES, size)
        try:
            reader.feed(source.data[start:end], final=end == size)
        except Unreadable as stop:
            fatal = stop.fault
        if resume:
            reader.payments = [payment for payment in reader.payments if payment["offset"] >= resume]
        if fatal or end == size or end - told >= window_bytes:
            raw = raw_frame(reader.payments, message)
            reader.payments = []
            yield take(source, reader, first=first, resume=resume, fatal=fatal).window(raw)
            first, told = False, end
        if fatal:
            return
