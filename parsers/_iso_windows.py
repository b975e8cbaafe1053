"""Windows from the exact reader, and the assembly that both readers share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from canonical.contracts import FileHeader, Source, Window
from canonical.frames import FINDINGS, empty
from parsers._iso_faults import MISPLACED, Fault, Unreadable, empty_file, findings_frame
from parsers._iso_frames import equivalent_amounts, payments_frame, raw_frame, totals_frame
from parsers._iso_paths import Message
from parsers._iso_reader import Reader
from parsers._xml_bytes import declared_encoding
from parsers._xml_feed import SLICE_BYTES

HEAD_BYTES: Final = 1024


def new_reader(source: Source, message: Message, *, bodies: bool = True) -> Reader:
    """A reader for these bytes. expat reads the declaration itself; only aliases it does not know are named to it."""
    declared = declared_encoding(source.data[:HEAD_BYTES])
    return Reader(source.data, message, "utf-8" if declared == "utf-8" else None, bodies=bodies)


def take_window(
    source: Source, reader: Reader, raw: pl.DataFrame, *, first: bool, resume: int = 0, fatal: Fault | None = None
) -> Window:
    """What the reader found since the last one, with these payments, as a Window. Items before `resume` were told."""
    faults = [fault for fault in reader.faults if fault.offset >= resume]
    totals = [total for total in reader.totals if total["offset"] >= resume]
    payments = payments_frame(raw, reader.batches, source.file_id, reader.message)
    findings = _findings([*faults, *([fatal] if fatal else [])], equivalent_amounts(raw, payments, reader.message))
    unreadable = sum(fault.rule == MISPLACED for fault in faults)
    unreadable += int(fatal is not None and reader.open_row is not None)
    header = _header(reader) if first else None
    reader.faults, reader.totals = [], []
    # Batches that are closed are not asked for again; a file may have a million of them.
    reader.batches = {batch: said for batch, said in reader.batches.items() if batch == reader.batch}
    return Window(header, payments, totals_frame(totals), findings, unreadable)


def _findings(faults: list[Fault], others: pl.DataFrame) -> pl.DataFrame:
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
        yield take_window(source, reader, raw_frame([], message), first=True, fatal=empty_file())
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
            yield take_window(source, reader, raw, first=first, resume=resume, fatal=fatal)
            first, told = False, end
        if fatal:
            return
