"""Conformance with the message's schema, window by window: libxml2 validates as it reads, in threads, in flat memory.

A window is put between the file's header and closing tags, so that each can be validated by itself. libxml2 does not say
where a fault stands while it streams: the payments between two looks at its log are then read once more as a tree.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import polars as pl
from lxml import etree

from canonical.codes import Severity
from canonical.contracts import Source, Window
from canonical.limits import XSD_FINDINGS_MAX
from parsers._iso_fast import Read, prefix_of, reads
from parsers._iso_faults import Doubt, Fault, Unreadable, findings_frame, no_schema, too_many_faults
from parsers._iso_paths import Message
from parsers._iso_tags import Flags
from parsers._iso_windows import new_reader
from parsers._iso_xsd_faults import Piece, faults_of, unplaced
from parsers._iso_xsd_frame import DocumentFrame, document_frame
from parsers._iso_xsd_types import OnlyInItsFile, PaymentSchema

FOLDER_VARIABLE: Final = "BULKRAIL_SCHEMAS_DIR"
_THREADS: Final = 2
_PIECE_BYTES: Final = 2**15


def validated(
    source: Source, message: Message, window_bytes: int, folder: str | None, severity: Severity
) -> Iterator[Window]:
    """The windows of the file with the faults against its schema among their findings, in order of lines.

    Findings: rule `xsd`, at payment level where they stand in a payment. Where no schema is at hand, or more faults than
    XSD_FINDINGS_MAX are met, one finding says so.
    """
    folder = folder or os.environ.get(FOLDER_VARIABLE)
    found = reads(source, message, window_bytes, payment_schema(source, message, folder))
    pending: deque[tuple[Window, Future[list[Fault]]]] = deque()
    told = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for window, faults in _ahead(found, pending, _Jobs(pool, source, message, folder, severity)):
            kept = faults[: XSD_FINDINGS_MAX - told]
            if told < XSD_FINDINGS_MAX < told + len(faults):
                kept.append(too_many_faults(XSD_FINDINGS_MAX, severity))
            told += len(faults)
            yield _with(window, kept)


def _ahead(
    found: Iterator[Read], pending: deque[tuple[Window, Future[list[Fault]]]], jobs: _Jobs
) -> Iterator[tuple[Window, list[Fault]]]:
    """Windows with their faults, validated in threads while the next ones are read."""
    try:
        previous: Read | None = None
        for read in found:
            if previous is not None:
                pending.append((previous.window, jobs.submit(previous, last=False)))
            previous = read
            while len(pending) > _THREADS:
                ready, future = pending.popleft()
                yield ready, future.result()
        if previous is not None:
            pending.append((previous.window, jobs.submit(previous, last=True)))
        while pending:
            ready, future = pending.popleft()
            yield ready, future.result()
    finally:
        for _, future in pending:
            future.cancel()


def _with(window: Window, faults: list[Fault]) -> Window:
    if not faults:
        return window
    findings = pl.concat([window.findings, findings_frame(faults)]).sort("line", maintain_order=True, nulls_last=True)
    return replace(window, findings=findings)


class _Jobs:
    """What must be known of the windows before one to validate it."""

    def __init__(
        self, pool: ThreadPoolExecutor, source: Source, message: Message, folder: str | None, severity: Severity
    ) -> None:
        self._pool, self._source, self._message = pool, source, message
        self._folder, self._severity = folder, severity
        self._version = ""
        self._frame: DocumentFrame | None = None
        self._before: dict[str, Any] | None = None
        self._told_of_schema = False

    def submit(self, read: Read, *, last: bool) -> Future[list[Fault]]:
        """Begin with a window; the last one goes on to the end of the Document."""
        window = read.window
        if window.header is not None:
            self._version = window.header.version
        if window.payments.is_empty():
            return self._pool.submit(list)
        schema = _schema_file(self._folder, self._version, self._message)
        if schema is None:
            faults = [] if self._told_of_schema else [no_schema(self._version)]
            self._told_of_schema = True
            return self._pool.submit(lambda: faults)
        if self._frame is None:
            self._frame = document_frame(self._source, window.payments.item(0, "batch_offset"))
        whole = last and Severity.FATAL.value not in window.findings["severity"]
        job = _Job(self._source, self._message, self._frame, schema, self._severity, self._before, whole)
        self._before = window.payments.row(-1, named=True)
        return self._pool.submit(job.run, window.payments, read.sure)


def payment_schema(source: Source, message: Message, folder: str | None) -> PaymentSchema | None:
    """The schema of the file's payments; None where there is none, or all of them have to be looked at in their file."""
    try:
        prefix = prefix_of(source, message)
        reader = new_reader(source, message, bodies=False)
        reader.feed(source.data[: source.data.find(f"<{prefix}{message.payment}>".encode())])
    except (Doubt, Unreadable):
        return None
    file = _schema_file(folder, reader.version or "", message)
    if file is None:
        return None
    # Payments of another namespace than the schema's are told by the first of their batch, which is always looked at.
    try:
        return PaymentSchema(file, message.payment)
    except OnlyInItsFile:
        return None


def _schema_file(folder: str | None, version: str, message: Message) -> Path | None:
    # A message without a Document has a schema that its envelope may rename: it is held to none.
    file = Path(folder or ".") / f"{version}.xsd"
    return file if folder and version.startswith(message.name) and file.is_file() else None


class _Nothing:
    """A parser target that keeps nothing."""

    def close(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class _Job:
    """One window. `before`: the last payment of the window before it. `whole`: go on to the end of the Document."""

    source: Source
    message: Message
    frame: DocumentFrame
    schema: Path
    severity: Severity
    before: dict[str, Any] | None
    whole: bool

    def run(self, payments: pl.DataFrame, sure: Flags) -> list[Fault]:
        """Faults of the window, in order. `sure`: as in `Scan`."""
        spans = list(self._cuts(payments, sure))
        if not spans:
            return []
        schema = etree.XMLSchema(etree.parse(self.schema, etree.XMLParser(no_network=True)))
        # The stubs ask for handlers that lxml does without, and do not know the log of a parser that is fed.
        parser = cast("Any", etree.XMLParser)(
            target=_Nothing(), schema=schema, huge_tree=True, resolve_entities=False, no_network=True
        )
        faults: list[Fault] = []
        known = 0
        for cut in spans:
            try:
                if cut is spans[0]:
                    parser.feed(self._opening(payments, cut))
                    known = len(parser.feed_error_log) if self._payment_before(payments, cut) else 0
                parser.feed(self.source.data[cut.start : cut.end])
            except etree.XMLSyntaxError:
                return faults  # what is not well-formed is the readers' to tell
            seen = len(parser.feed_error_log)
            if seen > known:
                piece = self._piece(payments, cut)
                faults += faults_of(piece, schema, self.message, self.severity) or [unplaced(piece, self.severity)]
                known = seen
            if len(faults) > XSD_FINDINGS_MAX:
                break
        return faults

    def _cuts(self, payments: pl.DataFrame, sure: Flags) -> Iterator[_Span]:
        """The window's bytes but for those that are sure, cut behind payments: at least one, and as many more as fit."""
        ends = (payments["offset"] + payments["length"]).to_numpy()
        # A payment that follows a sure one stands in the same batch, with only blanks before it.
        left_out = np.append(False, sure[1:] & sure[:-1])
        edges = np.flatnonzero(np.diff(left_out, prepend=True, append=True)).tolist()
        for first, behind in zip(edges[::2], edges[1::2], strict=True):
            position, begin = int(ends[first - 1]) if first else self._begin, first
            while begin < behind:
                until = min(max(int(np.searchsorted(ends, position + _PIECE_BYTES)), begin + 1), behind)
                end = int(ends[until - 1])
                closes = self.whole and until == len(ends)
                yield _Span(begin, until, position, max(end, self.frame.end) if closes else end, closes)
                position, begin = end, until

    @property
    def _begin(self) -> int:
        return int(self.before["offset"] + self.before["length"]) if self.before else self.frame.begin

    def _piece(self, payments: pl.DataFrame, cut: _Span) -> Piece:
        rows = payments.slice(cut.first, cut.until - cut.first)
        closing = b"" if cut.closes else self.frame.closed(self.source, rows.item(-1, "batch_offset"))
        data = self.source.data[cut.start : cut.end]
        return Piece(self._opening(payments, cut), data, closing, rows, self._payment_before(payments, cut))

    def _opening(self, payments: pl.DataFrame, cut: _Span) -> bytes:
        before = self._payment_before(payments, cut)
        return self.frame.opened(self.source, before) if before else self.frame.opening

    def _payment_before(self, payments: pl.DataFrame, cut: _Span) -> dict[str, Any] | None:
        return payments.row(cut.first - 1, named=True) if cut.first else self.before


@dataclass(frozen=True, slots=True)
class _Span:
    """Payments `first` up to `until` of a window, their bytes, and whether these close the Document."""

    first: int
    until: int
    start: int
    end: int
    closes: bool
